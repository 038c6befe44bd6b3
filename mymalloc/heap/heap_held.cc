// What a heap's owner holds, in its magazines, its spill and its table of gathered frees, and when
// it goes back. The janitor calls some of this, on any thread.

#include "mymalloc/heap/heap.h"
#include "mymalloc/os/memory.h"

namespace mymalloc {

size_t Heap::HeldBytes() const {
  size_t bytes = spill_.bytes();
  for (const SizeClass c : EachSizeClass()) bytes += magazines_[c].Valid() * StrideOf(c);
  return bytes;
}

void Heap::CountParked(size_t bytes) {
  g_budget.AddParked(static_cast<int64_t>(bytes) - static_cast<int64_t>(parked_bytes_));
  parked_bytes_ = bytes;
}

void Heap::set_parked(bool parked) {
  LockHolder holder(lock_);
  parked_.store(parked, std::memory_order_relaxed);
  CountParked(parked ? HeldBytes() : 0);
}

void Heap::TellBudget() {
  LockHolder holder(lock_);
  SettleAccounts();
}

void Heap::Settle() {
  LockHolder holder(lock_);
  FlushGather();
  CollectRemote(RemoteList::kAll);
  SettleAccounts();
  if (g_budget.free() + HeldBytes() > g_budget.Most()) {
    FlushLocked();
    DiscardMagazines();
  }
  SettleAccounts();
}

void Heap::Flush() {
  LockHolder holder(lock_);
  FlushGather();
  FlushLocked();
  CollectRemote(RemoteList::kAll);
  SettleAccounts();
}

void Heap::FlushLocked() {
  Step unlimited(Step::kUnlimited);
  FlushHeld(&unlimited);
  CountParked(0);
}

// All magazines; of the spill what the step has room for.
void Heap::FlushHeld(Step* step) {
  for (const SizeClass c : EachSizeClass()) {
    Magazine& m = magazines_[c];
    if (m.begin() == nullptr) continue;
    ReturnAll(c, m);
    m.Empty();
  }
  floors_raised_ = false;
  ReturnSpill(/*now=*/0, /*age=*/0, step);
}

void Heap::ReturnAll(SizeClass c, Magazine& m) {
  m.Compact();
  ReturnEntries(c, m.begin(), m.Valid());
  m.DropOldest(m.Valid());
}

// Until the step is over.
void Heap::FlushParked(Step* step) {
  if (!parked() || parked_bytes_ == 0) return;
  FlushHeld(step);
  CountParked(HeldBytes());
  if (parked_bytes_ == 0) DiscardMagazines();
}

// Of a heap that no thread uses, all of them empty: zeroed memory is such magazines, too.
void Heap::DiscardMagazines() {
  const uintptr_t begin = RoundUp(reinterpret_cast<uintptr_t>(magazines_.begin()), KernelPage());
  const uintptr_t end = RoundDown(reinterpret_cast<uintptr_t>(magazines_.end()), KernelPage());
  os::Purge({begin, end});
}

// Whether it is done before the step is over.
bool Heap::ReturnSpill(uint16_t now, uint16_t age, Step* step) {
  bool done = true;
  for (const SizeClass c : EachSizeClass()) {
    done &= spill_.Decay(c, now, age, step,
                         [this, c](const Entry* entries, unsigned count)
                             ABSL_NO_THREAD_SAFETY_ANALYSIS { ReturnEntries(c, entries, count); });
  }
  return done;
}

void Heap::RaiseFloors() {
  LockHolder holder(lock_);
  RaiseFloorsLocked();
  gather_.Close();
}

void Heap::ComeAgainSoon() {
#if !defined(MYMALLOC_SANITIZED)  // as below
  LockHolder holder(lock_);
  for (Magazine& m : magazines_) {
    if (m.Valid() == 0) continue;
    m.Shut();
    floors_raised_ = true;
  }
#endif
}

void Heap::RaiseFloorsLocked() {
#if !defined(MYMALLOC_SANITIZED)  // they cannot see what orders this, and would call it a race
  for (Magazine& m : magazines_) floors_raised_ |= m.RaiseFloor();
#endif
}

// What an idle thread has gathered: its accounts it keeps itself, without the lock. That it is
// closed is enough: an owner that came meanwhile has opened it.
void Heap::StealGather(Step* step) {
  if (!gather_.Holds() || !gather_.IsStealable()) return;
  size_t bytes = 0;
  gather_.FlushAll([&](RemoteWord word, uint64_t mask) {
    step->Look();
    bytes += SlotBitmap::PopCount(mask) * word.page()->stride();
    Send(word, mask);
  });
  g_budget.TellSent(static_cast<int64_t>(bytes));
}

void Heap::StealMagazines() {
  if (!floors_raised_) return;
  for (const SizeClass c : EachSizeClass()) {
    Magazine& m = magazines_[c];
    if (m.begin() == nullptr) continue;
    const unsigned count = m.Stealable();
    if (count != 0) ReturnEntries(c, m.begin(), count);
    m.LowerFloor(count);
  }
  floors_raised_ = false;
}

void Heap::TakeHeld() {
  LockHolder holder(lock_);
  Step unlimited(Step::kUnlimited);
  StealGather(&unlimited);
  StealMagazines();
}

void Heap::LowerFloors() {
  if (!floors_raised_) return;
  for (Magazine& m : magazines_) {
    if (m.begin() != nullptr) m.LowerFloor(0);
  }
  floors_raised_ = false;
}

// By the owner: what has as many as at the last tick was hardly used since.
void Heap::EmptyUnused() {
  for (const SizeClass c : EachSizeClass()) {
    Magazine& m = magazines_[c];
    if (m.Valid() != 0 && m.end() == seen_end_[c]) ReturnAll(c, m);
    seen_end_[c] = m.end();
  }
}

// An owner that has not been on the slow way since the last tick does not need much of what it
// holds; and what lay below the floor then it has not touched.
void Heap::DecayHeld(bool by_owner, Step* step) {
  const bool idle = slow_calls_ == slow_calls_seen_;
  slow_calls_seen_ = slow_calls_;
  if (by_owner) {
    FlushGather();
    LowerFloors();
    EmptyUnused();
    return;
  }
  StealGather(step);
  gather_.Close();
  if (!idle) {
    LowerFloors();
  } else if (!parked()) {
    StealMagazines();
    RaiseFloorsLocked();
  } else {
    FlushParked(step);
  }
}

}  // namespace mymalloc
