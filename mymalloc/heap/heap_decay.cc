// What a heap gives back to the kernel, and when. The janitor calls this, on any thread.

#include "mymalloc/heap/heap.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/supply/retired_pages.h"

namespace mymalloc {
namespace {

// Freed in one tick and unused through the next: it is due half a decay period later at the least,
// and a whole one at the most.
constexpr uint16_t kTicksToKeep = 2;

// What is worth a call of the kernel though it has not been free for long; and where far too much
// is free.
constexpr size_t kLeastHole = 64 * kKiB;
constexpr size_t kLeastHoleOfFarTooMuch = 16 * kKiB;

}  // namespace

// nullptr if there is none.
PageHeader* Heap::NextSparse() {
  while (PageHeader* const page = sparse_.Pop()) {
    if (page->IsSparse(page->free_count)) return page;
  }
  return nullptr;
}

// Returns how many bytes of it are no longer to be counted as a heap's. `least`: shorter holes
// stay, until they have been free for long; a call of the kernel costs more than they bring.
size_t Heap::GiveBackFrom(PageHeader* page, size_t least, Step* step, RetiredPages* retired) {
  step->Look();
  const size_t before = CountedOf(page, page->free_count, page->dirty);
  if (page->AllFree()) {
    Retire(page, retired);
    return before;
  }
  if (page->dirty == 0) return 0;
  if (!PurgeHoles(page, least, step)) {
    EnqueueFirst(page);
  } else if (least == KernelPage()) {
    page->clean = page->free;  // what is left cannot be given back
  }
  SetDirty(page, page->CountDirty());
  return before - CountedOf(page, page->free_count, page->dirty);
}

// Gives back the whole kernel pages inside runs of free slots. False if the step was over before
// the page was done.
bool Heap::PurgeHoles(PageHeader* page, size_t least, Step* step) {
  size_t purged = 0;
  bool done = true;
  for (SlotRun run{}; done && page->free.NextRun(&run);) {
    if (run.first >= page->touched_end()) break;  // never touched from here on
    const SlotIndex end = Min(run.end(), page->touched_end());
    if (page->clean.TestRange(run.first, end - run.first)) continue;
    done = PurgeHole(page, run.first, end, least, step, &purged);
  }
  if (purged != 0) {
    page->purged = 1;
    g_budget.NoteGivenBack(purged);
  }
  return done;
}

// The tag of the slot behind the hole stays; behind the last slot there is none.
bool Heap::PurgeHole(PageHeader* page, SlotIndex first, SlotIndex end_slot, size_t least,
                     Step* step, size_t* purged) {
  const uintptr_t slots_end = page->page() + page->slots() * page->stride();
  uintptr_t begin = RoundUp(page->Block(first), KernelPage());
  const uintptr_t end = end_slot == page->slots_end()
                            ? RoundUp(slots_end, KernelPage())
                            : RoundDown(page->Block(end_slot) - kTagBytes, KernelPage());
  if (begin == page->page().value()) begin += KernelPage();  // the header's
  if (end < begin + least) return true;
  // What went in a step before need not go again, but for the kernel page where that ended.
  SlotIndex dirty = first;
  while (page->clean.Test(dirty)) ++dirty;
  if (dirty != first) begin = Max(begin, RoundDown(page->Block(dirty) - kTagBytes, KernelPage()));
  while (begin < end) {
    if (step->IsOver()) return false;
    const size_t bytes = Min(end - begin, step->MostBytes());
    step->Call(bytes);
    if (os::Purge(Interval::From(begin, bytes))) *purged += bytes;
    begin += bytes;
    // Also if it did not go: then nobody can give it back.
    const SlotIndex done = page->SlotAt(begin);
    if (done > first) page->clean.SetRange(first, Min(done, end_slot) - first);
  }
  page->clean.SetRange(first, end_slot - first);
  return true;
}

void Heap::CollectSome(Step* step) {
  if (remote_.Empty()) return;
  step->Look(Step::kCall + kWordsAtOnce);
  CollectRemote(kWordsAtOnce);
}

// False if there is more to do now.
bool Heap::DecayPages(uint16_t now, Step* step) {
  RetiredPages retired;
  for (; left_to_decay_ > 0; --left_to_decay_) {
    if (step->IsOver()) return false;
    PageHeader* const page = dirty_.Pop();
    if (page == nullptr) break;
    const unsigned age = (now - unsigned{page->freed_at}) & PageHeader::kTickMask;
    if (age < kTicksToKeep) {
      step->Look();
      Enqueue(page);
    } else {
      GiveBackFrom(page, KernelPage(), step, &retired);
    }
  }
  return true;
}

// An owner that is at work just now has its turn at the next tick.
Heap::DecayResult Heap::Decay(uint16_t now, bool by_owner,
                              Step* step) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (!lock_.TryAcquire()) return DecayResult::kLater;
  const DecayResult result = DecayLocked(now, by_owner, step);
  lock_.Release();
  return result;
}

Heap::DecayResult Heap::DecayLocked(uint16_t now, bool by_owner, Step* step) {
  if (decayed_at_ != now) {
    decayed_at_ = now;
    left_to_decay_ = dirty_.size();
    do {
      CollectSome(step);
    } while (remote_.left() && !step->IsOver());
    DecayHeld(by_owner, step);
  }
  const bool finished = ReturnSpill(now, kTicksToKeep, step) && DecayPages(now, step);
  SettleAccounts();
  if (!finished) return DecayResult::kUnfinished;
  const bool later = dirty_.size() != 0 || remote_.left() || spill_.bytes() != 0 ||
                     floors_raised_ || (!parked() && gather_.Holds());
  return later ? DecayResult::kLater : DecayResult::kNothing;
}

void Heap::DecayAll() {
  LockHolder holder(lock_);
  CollectRemote(RemoteList::kAll);
  for (;;) {
    Step step;
    FlushParked(&step);
    if (ReturnSpill(/*now=*/0, /*age=*/0, &step)) break;
    lock_.LetOthersIn();
  }
  // What others free meanwhile is for the next time. A page of which they free more and more would
  // never be done.
  constexpr unsigned kMostStepsForOne = 32;
  unsigned steps = 0;
  for (size_t left = dirty_.size();;) {
    const size_t done = DecayStep(left);
    left -= done;
    steps = done == 0 ? steps + 1 : 0;
    if (steps == kMostStepsForOne) {
      Enqueue(dirty_.Pop());
      --left;
      steps = 0;
    }
    SettleAccounts();
    left = Min(left, dirty_.size());
    if (left == 0) return;
    lock_.LetOthersIn();
  }
}

// How many pages are done.
size_t Heap::DecayStep(size_t most) {
  Step step;
  RetiredPages retired;
  size_t done = 0;
  while (done < most && !step.IsOver()) {
    PageHeader* const page = dirty_.Pop();
    if (page == nullptr) break;
    GiveBackFrom(page, KernelPage(), &step, &retired);
    if (dirty_.First() != page) ++done;
  }
  return done;
}

size_t Heap::TryGiveBack(size_t bytes, Step* step) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (!lock_.TryAcquire()) return kBusy;
  CollectSome(step);
  FlushParked(step);
  const size_t given = GiveBackSparse(bytes, step);
  SettleAccounts();
  lock_.Release();
  return given;
}

size_t Heap::GiveBackSparse(size_t bytes, Step* step) {
  const size_t least = g_budget.IsFarExceeded() ? kLeastHoleOfFarTooMuch : kLeastHole;
  RetiredPages retired;
  size_t given = 0;
  while (given < bytes && !step->IsOver()) {
    if (PageHeader* const page = NextSparse()) {
      given += GiveBackFrom(page, least, step, &retired);
    } else if (remote_.left()) {
      CollectSome(step);
    } else {
      break;
    }
  }
  return given;
}

}  // namespace mymalloc
