#include "mymalloc/report/exit_check.h"

#include "mymalloc/heap/heap.h"
#include "mymalloc/large/large.h"
#include "mymalloc/misuse/diagnose.h"
#include "mymalloc/page/canary.h"
#include "mymalloc/page/page_glance.h"
#include "mymalloc/process/freeze.h"
#include "mymalloc/process/registry.h"
#include "mymalloc/process/thread.h"
#include "mymalloc/report/inspector.h"
#include "mymalloc/supply/page_map.h"

namespace mymalloc {
namespace {

bool IsAtRest(const Heap& heap) { return &heap == OwnHeap() || heap.parked(); }

// What was found while everything stood still, for the reports to be made afterwards.
class Findings {
 public:
  void AddOverrun(uintptr_t block) { Add({block, 0, 0, {}}); }
  void AddWrite(const Quarantine::Item& item, uintptr_t byte) {
    Add({item.block, byte, item.caller, {}});
  }
  void AddWriteToHeld(const FreedLarge::Record& record, uintptr_t byte) {
    Add({record.block, byte, 0, record});
  }
  void Report() const {
    for (unsigned i = 0; i < count_; ++i) {
      const Finding& found = found_[i];
      if (!found.record.held.empty()) {
        LargeBlocks::ReportWrite(found.record, found.byte);
      } else if (found.byte != 0) {
        ReportWriteAfterFree(found.byte, Look(found.block), found.caller);
      } else {
        ReportOverrun(nullptr, found.block, Look(found.block));
      }
    }
  }

 private:
  struct Finding {
    uintptr_t block;
    // That was written after the free; 0: what lies behind the block was overwritten.
    uintptr_t byte;
    uintptr_t caller;  // from where it was freed, where that is known
    FreedLarge::Record record;
  };
  static constexpr unsigned kMost = 16;

  void Add(const Finding& finding) {
    if (count_ < kMost) found_[count_++] = finding;
  }

  Finding found_[kMost] = {};
  unsigned count_ = 0;
};

// Whether the slot's block is live, by its tag, and what lies behind it is no longer as it was
// written. Other threads may free it meanwhile: then its tag was changed first.
bool IsOverrun(const PageHeader& page, SlotIndex slot) {
  const uintptr_t block = page.Block(slot);
  const Tag tag = Tag::Of(block);
  const bool live = tag.Verifies(block) && tag.live() && tag.size_class() == page.size_class() &&
                    tag.slot() == slot;
  if (!live) return false;
  const uintptr_t fence = block + tag.slots() * page.stride();
  const bool intact = tag.IsRun() ? Tag::Of(fence).Verifies(fence)
                                  : FenceVerifies(block, tag) && CanaryIntact(block, tag);
  return !intact && Tag::Of(block).bits() == tag.bits();
}

bool IsTaken(const PageHeader& page, SlotIndex slot) {
  const uint64_t remote = page.remote.Peek(SlotSet::WordOf(slot));
  return !page.free.Test(slot) && (remote & SlotSet::BitOf(slot)) == 0;
}

void CheckPage(const PageHeader& page, Findings* findings) {
  if (!page.Intact() || !IsAtRest(*g_heaps[page.heap()])) return;
  for (SlotIndex slot = kFirstSlot + kOneSlot; slot < page.touched_end();) {
    SlotRun run{slot, kOneSlot};
    if (IsTaken(page, slot)) {
      run = RunAt(page, slot);
      if (IsOverrun(page, slot)) findings->AddOverrun(page.Block(slot));
    }
    slot = Max(run.end(), slot + kOneSlot);
  }
}

void CheckQuarantine(const Heap& heap, Findings* findings) {
  heap.quarantine().ForEach([findings](Quarantine::Item item) {
    if (const uintptr_t byte = Quarantine::FindWrite(item)) findings->AddWrite(item, byte);
  });
}

void Check(Findings* findings) {
  for (const auto& entry : Inspector::Pages(g_page_map)) {
    const Owner owner(entry.value);
    if (const LargeBlock* const large = owner.large()) {
      if (large->IsLive() && !large->CanaryIntact()) findings->AddOverrun(large->block);
    } else if (!owner.sampled()) {
      CheckPage(*owner.page(), findings);
    }
  }
  for (HeapId id = kFirstHeap; id <= g_registry.HighestId(); ++id) {
    if (IsAtRest(*g_heaps[id])) CheckQuarantine(*g_heaps[id], findings);
  }
  Inspector::Freed(g_large_blocks).ForEachHeld([findings](const FreedLarge::Record& record) {
    const bool filled = g_options.quarantine.value != 0;
    const uintptr_t byte = filled ? FreedLarge::FindWrite(record) : 0;
    if (byte != 0) findings->AddWriteToHeld(record, byte);
  });
}

}  // namespace

void CheckAtExit() {
  if (Busy::Now() || !HasOwnHeap() || !FreezeSoon()) return;
  Findings findings;
  Check(&findings);
  Unfreeze();
  findings.Report();
}

}  // namespace mymalloc
