#include "mymalloc/supply/page_supply.h"

#include <string.h>

#include "absl/base/attributes.h"
#include "mymalloc/base/options.h"
#include "mymalloc/os/chunks.h"
#include "mymalloc/os/memory.h"
#include "tree/verify.h"

namespace mymalloc {

ABSL_CONST_INIT PageSupply g_page_supply;

// What is free right there.
PageSupply::Grant PageSupply::Take(Interval range) {
  const size_t before = dirty_.bytes();
  os::g_chunks.PutBack(range);
  const auto last = dirty_.tree().Predecessor(range.end);
  const uintptr_t touched_end = last ? Min<uintptr_t>(last.range.end, range.end) : 0;
  TakeFromAll(range);
  TakeFromDirty(range);
  const size_t dirty = before - dirty_.bytes();
  NoteDirty();
  if (dirty < range.length()) g_budget.NoteWanted(range.length() - dirty);
  return {range.begin, touched_end - Min(touched_end, range.begin)};
}

// What is in `all` and not in `dirty` is zero: also where there is no memory for the tree.
void PageSupply::AddDirty(Interval range) {
  if (dirty_.Add(range) || os::Purge(range)) return;
  memset(reinterpret_cast<void*>(range.begin), 0, range.length());  // it is locked in memory
}

// `dirty_bytes`: at its front. If there is no memory for the tree, the range's own first unit
// becomes such memory.
void PageSupply::Add(Interval range, size_t dirty_bytes) {
  const uintptr_t dirty_end = range.begin + dirty_bytes;
  range.begin += all_.AddSurely(range);
  if (range.begin < dirty_end) AddDirty({range.begin, dirty_end});
  NoteDirty();
}

// A large heap of short blocks of which little is free when it has to grow again wins by huge
// pages, and wastes little by them; one that has shrunk to a part does no longer.
void PageSupply::WatchDensity() {
  if (g_options.huge_pages != HugePages::kAuto) return;
  constexpr size_t kLeastLive = 512 * kMiB;
  const size_t live = g_budget.live();
  const size_t mapped = os::g_chunks.mapped();
  const size_t long_blocks = g_budget.live_long();
  const bool dense = !g_budget.IsShort() && live >= kLeastLive && live >= mapped - mapped / 8 &&
                     long_blocks < live / 8;
  const bool sparse = live < mapped / 2 || long_blocks > live / 4;
  if (!(os::g_chunks.huge_pages_allowed() ? sparse : dense)) return;
  os::g_chunks.AllowHugePages(dense);
  const bool make = dense && may_make_huge_.load(std::memory_order_relaxed);
  made_huge_to_.store(make ? 0 : kNone, std::memory_order_relaxed);
}

void PageSupply::Forked() {
  constexpr size_t kMuch = 64 * kMiB;
  if (g_budget.live() >= kMuch) MayMakeHuge(false);
}

// One that is mostly in use as far as the supply knows. 0 if none was found in this step.
uintptr_t PageSupply::TakeNextToMakeHuge(Step* step) {
  constexpr size_t kMostFree = os::kHugePage / 8;
  // What is given back meanwhile would come back with the rest of its huge page.
  const bool still_dense = !g_budget.IsShort() && g_budget.live() >= os::g_chunks.mapped() / 4 * 3;
  LockHolder holder(lock_);
  uintptr_t done = made_huge_to_.load(std::memory_order_relaxed);
  uintptr_t next = still_dense ? done : kNone;
  uintptr_t found = 0;
  for (; found == 0 && next != kNone && !step->IsOver(); step->Look()) {
    const uintptr_t at = os::InChunk(next) ? next : os::Chunks::NextGranule(next);
    next = at != 0 ? at + os::kHugePage : kNone;
    if (at != 0 && FreeIn({at, next}) <= kMostFree) found = at;
  }
  // Unless that was put off meanwhile.
  made_huge_to_.compare_exchange_strong(done, next, std::memory_order_relaxed);
  return found;
}

size_t PageSupply::FreeIn(Interval range) const {
  size_t bytes = 0;
  auto entry = all_.tree().Predecessor(range.end);
  for (; entry && entry.range.end > range.begin;
       entry = all_.tree().Predecessor(entry.range.begin)) {
    bytes +=
        Min<uintptr_t>(entry.range.end, range.end) - Max<uintptr_t>(entry.range.begin, range.begin);
  }
  return bytes;
}

// What the kernel refuses stays as it is; its own daemon may come to it. If it has no memory for
// several in turn, that is all.
void PageSupply::MakeHuge(Step* step) {
  constexpr unsigned kMostRefused = 8;
  while (HasToMakeHuge() && !step->IsOver()) {
    const uintptr_t at = TakeNextToMakeHuge(step);
    if (at == 0) continue;
    step->Call(os::kHugePage);
    refused_ = os::MakeHuge(at) ? 0 : refused_ + 1;
    if (refused_ == kMostRefused) MayMakeHuge(false);
  }
}

PageSupply::Grant PageSupply::Allocate(size_t bytes) {
  // Behind a shorter one there is room to grow.
  constexpr size_t kLeastAtTheEnd = 8 * kMiB;
  LockHolder holder(lock_);
  return AllocateLocked(bytes, bytes, bytes < kLeastAtTheEnd ? Side::kFront : Side::kEnd);
}

// `side`: from which end of a range that was not used before. New chunks come below the last one:
// what is left at its front then goes on in them.
PageSupply::Grant PageSupply::AllocateLocked(size_t bytes, size_t counted, Side side) {
  if (const auto entry = dirty_.tree().TightestWithAtLeast(bytes)) {
    return Take({entry.range.begin, entry.range.begin + bytes});
  }
  if (g_budget.Refuses(counted)) return {};
  auto entry = all_.tree().TightestWithAtLeast(bytes);
  if (!entry) {
    WatchDensity();
    size_t granted = 0;
    const uintptr_t begin = os::g_chunks.Map(bytes, &granted);
    if (begin == 0) return {};
    Add({begin, begin + granted}, /*dirty_bytes=*/0);
    if (granted > os::kSmallestChunk) LeaveOutOfCores(begin);
    entry = all_.tree().TightestWithAtLeast(bytes);
    if (!entry) return {};
  }
  if (side == Side::kEnd && !dirty_.tree().Stab(entry.range.end - 1)) {
    entry.range.begin = entry.range.end - bytes;
  }
  return Take({entry.range.begin, entry.range.begin + bytes});
}

PageSupply::Grant PageSupply::AllocateAligned(size_t bytes, size_t alignment) {
  if (alignment <= kPageUnit) return Allocate(bytes);
  const size_t room = bytes + alignment - kPageUnit;
  const Grant grant = room > bytes ? Allocate(room) : Grant{};
  if (grant.begin == 0) return {};
  const uintptr_t begin = RoundUp(grant.begin, alignment);
  const size_t before = begin - grant.begin;
  if (before != 0) Free(grant.begin, before, Min(grant.touched, before));
  const size_t touched = grant.touched - Min(grant.touched, before);
  const size_t behind = room - before - bytes;
  if (behind != 0) Free(begin + bytes, behind, touched - Min(touched, bytes));
  return {begin, Min(touched, bytes)};
}

bool PageSupply::AllocateAt(uintptr_t begin, size_t bytes) {
  if (g_budget.Refuses(bytes)) return false;
  LockHolder holder(lock_);
  const auto entry = all_.tree().Find(begin);
  if (!entry || entry.range.length() < bytes) return false;
  Take({begin, begin + bytes});
  return true;
}

void PageSupply::Free(uintptr_t begin, size_t bytes, size_t touched) {
  LockHolder holder(lock_);
  Add({begin, begin + bytes}, touched);
}

size_t PageSupply::BeginDecay() {
  LiftProtected();
  LockHolder holder(lock_);
  return least_dirty_.Begin(dirty_.bytes());
}

bool PageSupply::PurgeAll() {
  LiftProtected();
  if (os::g_chunks.HugePagesWereAllowed()) CallAllDirty();
  return Purge(~size_t{0}) != 0;
}

// A huge page is resident as a whole, also where only a part of it was touched.
void PageSupply::CallAllDirty() {
  LockHolder holder(lock_);
  uintptr_t next = 0;
  while (const auto entry = all_.tree().Successor(next)) {
    next = entry.range.end;
    TakeFromDirty(entry.range);
    AddDirty(entry.range);
  }
  NoteDirty();
}

size_t PageSupply::GuardOf(size_t bytes) {
  return g_options.guard_pages && bytes >= kLeastGuarded ? KernelPage() : 0;
}

// The guard's place is there in any case, so that what is freed is as long as what was allocated.
unsigned PageSupply::AllocatePages(size_t bytes, unsigned count, Grant* grants) {
  const size_t guard = GuardOf(bytes);
  const unsigned n = AllocateSome(bytes + guard, count, grants);
  for (unsigned i = 0; guard != 0 && i < n; ++i) {
    if (guards_.Enter()) os::Protect(Interval::From(grants[i].begin + bytes, guard));
  }
  return n;
}

// If the first is of dirty memory, all are: none has to become resident for it.
unsigned PageSupply::AllocateSome(size_t bytes, unsigned count, Grant* grants) {
  LockHolder holder(lock_);
  unsigned n = 0;
  do {
    grants[n] = AllocateLocked(bytes, /*counted=*/0, Side::kEnd);
    if (grants[n].begin == 0) break;
    ++n;
  } while (n < count && (grants[0].zeroed() ? all_ : dirty_).tree().Longest() >= bytes);
  return n;
}

void PageSupply::FreePages(const Interval* pages, const size_t* touched, unsigned count) {
  {
    LockHolder holder(lock_);
    for (unsigned i = 0; i < count; ++i) {
      Add(pages[i], touched[i]);
      if (touched[i] == 0) LeaveOutOfCores(pages[i].begin);
    }
  }
  for (unsigned i = 0; i < count; ++i) {
    const size_t guard = GuardOf(pages[i].length());
    if (guard == 0) continue;
    guards_.Leave();
    FreeProtected(pages[i].end, guard);
  }
}

void PageSupply::FreeProtected(uintptr_t begin, size_t bytes) {
  if (os::Commit(Interval::From(begin, bytes))) return Free(begin, bytes);
  LockHolder holder(lock_);
  protected_.Add({begin, begin + bytes});
}

void PageSupply::LiftProtected() {
  LockHolder holder(lock_);
  Interval range;
  while (protected_.TakeLifted(&range)) Add(range, range.length());
}

// The range being purged is in neither set while the kernel works, so the lock is free meanwhile.
size_t PageSupply::Purge(size_t bytes, size_t least, Step* step) {
  size_t purged = 0;
  bool going_on = true;
  lock_.Acquire();
  while (going_on && purged + KernelPage() <= bytes && !step->IsOver()) {
    Interval range;
    if (dirty_.tree().Longest() < least) break;
    const size_t most = RoundUp(Min(bytes - purged, step->MostBytes()), KernelPage());
    if (!dirty_.TakeLongest(most, &range)) break;
    TakeFromAll(range);
    NoteDirty();
    lock_.Release();
    step->Call(range.length());
    // Locked memory stays as it is: then it is no less dirty, and there is no use in going on.
    going_on = os::Purge(range);
    if (going_on) purged += range.length();
    lock_.Acquire();
    Add(range, going_on ? 0 : range.length());
    if (going_on) LeaveOutOfCores(range.begin);
  }
  lock_.Release();
  if (purged != 0) g_budget.NoteGivenBack(purged);
  return purged;
}

// What is clean around there.
void PageSupply::LeaveOutOfCores(uintptr_t at) {
  const Interval free = all_.tree().Stab(at).range;
  const auto before = dirty_.tree().Predecessor(at + 1);
  const auto behind = dirty_.tree().Successor(at);
  os::g_chunks.LeaveOut({before ? Max(free.begin, before.range.end) : free.begin,
                         behind ? Min(free.end, behind.range.begin) : free.end});
}

// Also from the middle of a range.
void PageSupply::TakeFromAll(Interval range) {
  const auto around = all_.tree().Stab(range.begin);
  all_.TakeAll({range.begin, around.range.end});
  if (range.end == around.range.end) return;
  const size_t spent = all_.AddSurely({range.end, around.range.end});
  if (spent != 0) TakeFromDirty({range.end, range.end + spent});
}

bool PageSupply::ReleaseChunks() {
  LockHolder holder(lock_);
  bool any = false;
  uintptr_t next = 0;
  while (const auto entry = all_.tree().Successor(next)) {
    next = entry.range.end;
    const Interval gone = os::g_chunks.Unmap(entry.range);
    if (gone.empty()) continue;
    TakeFromAll(gone);
    TakeFromDirty(gone);
    any = true;
  }
  NoteDirty();
  return any;
}

// Also where a range goes on at both ends.
void PageSupply::TakeFromDirty(Interval range) {
  const auto last = dirty_.tree().Stab(range.end - 1);
  const uint64_t end = last ? last.range.end : range.end;
  dirty_.TakeAll({range.begin, end});
  if (end > range.end) AddDirty({range.end, end});
}

size_t PageSupply::DirtyBytes() {
  LockHolder holder(lock_);
  return dirty_.bytes();
}

size_t PageSupply::DirtyRanges() {
  LockHolder holder(lock_);
  return dirty_.count();
}

size_t PageSupply::FreeBytes() {
  LockHolder holder(lock_);
  return all_.bytes() + protected_.bytes();
}

const char* PageSupply::Verify() {
  LockHolder holder(lock_);
  const char* const wrong = mymalloc::Verify(dirty_.tree()).what;
  return wrong != nullptr ? wrong : mymalloc::Verify(all_.tree()).what;
}

}  // namespace mymalloc
