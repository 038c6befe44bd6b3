// Runs: blocks of several slots.
//
//   |tag|        slot i       |tag|    slot i + 1    |tag|        one slot each
//   |run|        slot i             slot i + 1       |tag|        a run of two
//
// malloc makes them in pages of the run classes, for blocks that are too long for one slot; realloc
// also grows a block of one slot over those behind it, where these are free. The bitmap calls all
// of a run's slots taken. Only the first has a tag, which says how many there are.

#include "absl/base/optimization.h"
#include "mymalloc/heap/broken.h"
#include "mymalloc/heap/heap.h"
#include "mymalloc/page/freed_from.h"

namespace mymalloc {

namespace {

unsigned LowestBit(uint64_t word) { return static_cast<unsigned>(__builtin_ctzll(word)); }

}  // namespace

// Of the pages with room the one whose longest room is the shortest that will do.
PageHeader* Heap::PageWithRun(SizeClass c, SlotCount slots) {
  const RunLists& runs = runs_[c - kFirstRunClass];
  const uint64_t enough = runs.any >> (slots.value() - 1) << (slots.value() - 1);
  return enough != 0 ? runs.lists[LowestBit(enough) + 1].head : nullptr;
}

// With room for the run. Where there is much of a class, runs that would leave a good part of each
// of its pages unused get pages of their own; where there is little, what others leave is worth
// more.
PageHeader* Heap::PageForRun(RunFit* run, size_t n) {
  constexpr size_t kMuch = 32 * kMiB;
  const SizeClass c = run->size_class;
  PageHeader* page = PageWithRun(c, run->slots);
  if (page == nullptr && c >= kShortRuns && !PacksWell(run->slots)) {
    const RunFit better = BetterPackedOf(*run, n);
    page = PageWithRun(better.size_class, better.slots);
    if (page != nullptr || pages_[c] * PageBytesOf(c) >= kMuch) *run = better;
  }
  return page != nullptr ? page : NewPage(run->size_class);
}

uintptr_t Heap::AllocateRun(RunFit run, size_t n, bool* zeroed) {
  LockHolder holder(lock_);
  NoteSlowCall(&Events::allocations);
  CollectRemote(kWordsAtOnce);
  PageHeader* const page = PageForRun(&run, n);
  if (page == nullptr) return 0;
  const SizeClass c = run.size_class;
  const SlotCount slots = run.slots;
  if (ABSL_PREDICT_FALSE(!page->Intact())) ReportBrokenHeader(page);
  const SlotIndex first = page->free.FindRun(slots);
  *zeroed = first >= page->touched_end();
  const uintptr_t block = page->Block(first);
  TakeRun(page, first, slots);
  Tag::MakeRun(block, c, first, slots).Live().WriteTo(block);
  run_tails_ += slots.value() - 1;
  return block;
}

// Of free slots; the caller writes the tag.
void Heap::TakeRun(PageHeader* page, SlotIndex first, SlotCount slots) {
  if (page->AllFree()) EmptyBytes(page->size_class()) -= page->DirtyBytes();
  const SlotIndex end = first + slots;
  page->free.ClearRange(first, slots);
  SlotCount clean = kNoSlots;
  if (!page->clean.Empty()) {
    clean = page->clean.CountInRange(first, slots);
    page->clean.ClearRange(first, slots);
  }
  CountTaken(page, slots, clean, end);
  page->free_count = static_cast<uint8_t>(page->free_count - slots.value());
  RaiseHighWater(page, end);
  if (end == page->slots_end() || page->free.Test(end)) page->WriteFence(end);
  if (IsRunClass(page->size_class())) {
    // What is left of the run, and what was taken, is shorter than before; others are as they were.
    SetLongest(page, page->free.LongestRun(SlotCount(page->longest)));
  } else if (page->free_count == 0) {
    Unlink(page);
  }
}

// Its tag stays that of a run which is free, until a slot is taken again: so a report can say what
// was there.
void Heap::ReturnRun(PageHeader* page, SlotIndex first, SlotCount slots) {
  if (ABSL_PREDICT_FALSE(page->free.AnyInRange(first, slots))) return ReportFreeTwice(page, first);
  run_tails_ -= slots.value() - 1;
  const unsigned before = page->free_count;
  page->free.SetRange(first, slots);
  page->free_count = static_cast<uint8_t>(before + slots.value());
  CountFreed(page, slots);
  if (IsRunClass(page->size_class())) {
    const SlotCount longest = page->free.RunAround(first, slots, kMostRunSlots);
    if (longest > SlotCount(page->longest)) SetLongest(page, Min(longest, kMostRunSlots));
  } else if (before == 0) {
    PushFront(page);
  }
  if (page->AllFree()) PageBecameEmpty(page);
}

// Of a page of a run class: so it is found by what it has room for.
void Heap::SetLongest(PageHeader* page, SlotCount longest) {
  if (longest == SlotCount(page->longest)) return;
  if (page->longest != 0) Unlink(page);
  page->longest = static_cast<uint8_t>(longest.value());
  if (longest != kNoSlots) PushFront(page);
}

bool Heap::FreeRun(PageHeader* page, uintptr_t block, Tag tag, uintptr_t caller) {
  LockHolder holder(lock_);
  NoteSlowCall(&Events::frees);
  // Other threads free it without the lock: of all that try one must be the one.
  if (!tag.Free().Replace(block, tag)) return false;
  FreedFrom::Write(block, caller);
  ReturnRun(page, tag.slot(), tag.slots());
  return true;
}

// The tag stays that of a run, so that the owner knows how many slots come back by one bit.
bool Heap::FreeRunRemotely(Heap* own, PageHeader* page, uintptr_t block, Tag tag,
                           uintptr_t caller) {
  const Tag free = tag.Free();
  if (!free.Replace(block, tag)) return false;
  FreedFrom::Write(block, caller);
  const size_t bytes = tag.slots() * page->stride();
  if (own != nullptr) {
    own->CountSent(bytes);
  } else {
    g_budget.TellSent(static_cast<int64_t>(bytes));
  }
  Send(RemoteWord(page, SlotSet::WordOf(tag.slot())), SlotSet::BitOf(tag.slot()));
  return true;
}

// What other threads freed in pages where there may be runs.
void Heap::CollectRuns(PageHeader* page, unsigned w, uint64_t mask) {
  uint64_t single = 0;
  for (; mask != 0; mask &= mask - 1) {
    const SlotIndex slot = SlotSet::SlotOf(w, LowestBit(mask));
    const uintptr_t block = page->Block(slot);
    Tag tag = Tag::Of(block);
    SlotIndex found;
    if (ABSL_PREDICT_FALSE(!tag.Verifies(block)) && !FindBrokenFreeBlock(block, &found)) continue;
    if (tag.Verifies(block) && tag.IsRun()) {
      NoteCollected(page, tag.slots());
      ReturnRun(page, slot, tag.slots());
    } else {
      single |= mask & (~mask + 1);
    }
  }
  if (single == 0) return;
  const SlotCount blocks(SlotBitmap::PopCount(single));
  NoteCollected(page, blocks);
  Return(page, w, single, blocks);
}

bool Heap::ResizeRun(PageHeader* page, uintptr_t block, Tag tag, SlotCount want) {
  const SlotIndex behind = tag.slot() + tag.slots();
  const SlotIndex end = tag.slot() + want;
  if (want > kMostRunSlots || end > page->slots_end()) return false;
  const Tag wanted = Tag::MakeRun(block, page->size_class(), tag.slot(), want).Live();
  LockHolder holder(lock_);
  if (Tag::Of(block).bits() != tag.bits()) return false;
  if (ABSL_PREDICT_FALSE(!page->Intact())) ReportBrokenHeader(page);
  if (end < behind) {
    // First the tag: from then on the slots behind are nobody's.
    wanted.WriteTo(block);
    page->WriteFence(end);
    ReturnRun(page, end, behind - end);
    --run_tails_;
    return true;
  }
  const SlotCount more = end - behind;
  // Of single slots only those that were touched: others would cost memory where copying costs
  // none.
  const bool untouched = end > page->touched_end() && !IsRunClass(page->size_class());
  if (untouched || !page->free.TestRange(behind, more)) return false;
  TakeRun(page, behind, more);
  for (const SlotIndex slot : Each<SlotIndex>(behind, end)) Tag().WriteTo(page->Block(slot));
  wanted.WriteTo(block);
  run_tails_ += more.value();
  return true;
}

}  // namespace mymalloc
