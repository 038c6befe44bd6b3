// Runs: blocks that realloc has grown over the slots behind their own, where those were free.
//
//   |tag|       slot i       |tag|    slot i + 1    |tag|        one slot each
//   |run|       slot i             slot i + 1       |tag|        a run of two
//
// The bitmap calls all of a run's slots taken. Only the first has a tag, which says how many there
// are, and names no heap: so free does not take the block for its thread's own on the short way,
// and pays nothing for that there are runs. On the way by the tree a run is split, into blocks of
// one slot that are then freed each.

#include "mymalloc/heap/diagnose.h"
#include "mymalloc/heap/heap.h"
#include "mymalloc/heap/totals.h"

namespace mymalloc {

bool Heap::GrowRun(PageHeader* page, SlotRun run, unsigned want) {
  const unsigned behind = run.first + run.slots;
  const unsigned end = run.first + want;
  if (want > kMostRunSlots || end > kSlotsPerPage) return false;
  LockHolder holder(lock_);
  if (end > page->high_water || !page->free.TestRange(behind, end - behind)) return false;
  if (ABSL_PREDICT_FALSE(!page->Intact())) ReportBrokenHeader(page);
  page->free.ClearRange(behind, end - behind);
  page->free_count = static_cast<uint16_t>(page->free_count - (end - behind));
  if (page->free_count == 0) Unlink(page);
  g_totals.run_tails.Add(end - behind);
  if (end == kSlotsPerPage || page->free.Test(end)) page->WriteFence(end);
  Tag::MakeRun(page->Block(run.first), page->size_class, want).WriteTo(page->Block(run.first));
  for (unsigned slot = behind; slot < end; ++slot) Tag(0).WriteTo(page->Block(slot));
  return true;
}

bool Heap::SplitRun(PageHeader* page, SlotRun run, Tag tag) {
  LockHolder holder(lock_);
  if (Tag::Of(page->Block(run.first)).bits() != tag.bits()) return false;
  // The first last: until then whoever looks without the lock finds a run.
  for (unsigned slot = run.first + run.slots; slot-- > run.first;) {
    Tag::Make(page->Block(slot), id_, page->size_class, slot).Live().WriteTo(page->Block(slot));
  }
  g_totals.run_tails.Add(size_t{1} - run.slots);
  return true;
}

}  // namespace mymalloc
