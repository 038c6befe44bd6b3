#include "mymalloc/heap/broken.h"

#include "mymalloc/fault/fault.h"
#include "mymalloc/supply/page_map.h"

namespace mymalloc {
namespace {

Fault OfSlot(Message message, const PageHeader& page, SlotIndex slot) {
  Fault fault = FoundLater(message, page.Block(slot));
  fault.block = {page.Block(slot), page.stride() - kTagBytes, FaultBlock::kFree,
                 page.page().value(), slot.value()};
  return fault;
}

}  // namespace

void ReportFreeTwice(PageHeader* page, SlotIndex slot) {
  Report(OfSlot(Message::kFreedByTwoThreads, *page, slot));
}

void ReportBrokenHeader(PageHeader* page) {
  Report(FoundLater(Message::kHeaderOverwritten, reinterpret_cast<uintptr_t>(page)));
}

bool FindBrokenFreeBlock(uintptr_t block, SlotIndex* slot) {
  Interval range;
  Owner owner;
  if (!g_page_map.Find(block, &range, &owner) || owner.page() == nullptr) return false;
  *slot = owner.page()->SlotAt(block);
  Report(OfSlot(Message::kFreeTagOverwritten, *owner.page(), *slot));
  return true;
}

}  // namespace mymalloc
