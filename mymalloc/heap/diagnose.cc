#include "mymalloc/heap/diagnose.h"

#include "mymalloc/fault/fault.h"
#include "mymalloc/heap/heap.h"
#include "mymalloc/heap/page_map.h"

namespace mymalloc {
namespace {

constexpr char kDoubleFree[] = "double free";
constexpr char kInvalidPointer[] = "invalid pointer";
constexpr char kCorrupted[] = "corrupted heap";

constexpr char kAdviseOwner[] =
    "Each block must be freed once, by the pointer that malloc returned.";
constexpr char kAdviseOverrun[] =
    "Look for a write past the end of the block before, or before the start of this one.";

// Slot i is the bytes [i * stride - 8, (i + 1) * stride - 8): its tag and its block.
void LookInPage(uintptr_t address, PageHeader* page, Finding* finding) {
  finding->page = page;
  const size_t stride = page->stride();
  const size_t offset = address - page->page();
  unsigned slot = static_cast<unsigned>((offset + kTagBytes) / stride);
  if (slot >= kSlotsPerPage) slot = kSlotsPerPage - 1;
  finding->slot = slot;
  finding->block = page->Block(slot);
  finding->usable = stride - kTagBytes;
  const uintptr_t header = reinterpret_cast<uintptr_t>(page);
  const bool under_header = finding->block - kTagBytes < header + sizeof(PageHeader) &&
                            finding->block + finding->usable > header;
  if (slot == 0 || under_header) {
    finding->kind = Finding::kNoBlock;
    return;
  }
  finding->kind = address == finding->block ? Finding::kBlock : Finding::kInterior;
}

void LookInLarge(uintptr_t address, LargeBlock* large, Finding* finding) {
  finding->large = large;
  finding->block = large->block;
  finding->usable = large->usable();
  finding->kind = address == large->block ? Finding::kLarge : Finding::kInterior;
}

// Everything asked: what lies in magazines is free too, and so is, by its tag alone, what is on its
// way home through another thread's gathered frees.
bool IsFree(const Finding& finding) {
  if (finding.page == nullptr) return false;
  if (IsFreeByBitmap(finding)) return true;
  Heap* const heap = g_heaps[finding.page->heap];
  LockHolder holder(heap->lock());
  if (finding.slot >= finding.page->high_water || heap->Holds(finding.block)) return true;
  const Tag tag = Tag::Of(finding.block);
  return tag.Verifies(finding.block) && !tag.live();
}

Fault MakeFault(const char* called, uintptr_t address, const Finding& finding, bool free) {
  Fault fault{};
  fault.called = called;
  fault.address = address;
  fault.advice = kAdviseOwner;
  fault.block = finding.block;
  fault.usable = finding.usable;
  fault.state = free ? "free" : "live";
  fault.page = finding.page != nullptr ? finding.page->page() : 0;
  fault.slot = finding.slot;
  return fault;
}

Fault MakeSlotFault(const char* called, PageHeader* page, unsigned slot) {
  Finding finding;
  finding.page = page;
  finding.slot = slot;
  finding.block = page->Block(slot);
  finding.usable = page->stride() - kTagBytes;
  return MakeFault(called, finding.block, finding, /*free=*/true);
}

}  // namespace

Finding Look(uintptr_t address) {
  Finding finding;
  Interval range;
  Owner owner;
  if (!g_page_map.Find(address, &range, &owner)) return finding;
  if (LargeBlock* large = owner.large()) {
    LookInLarge(address, large, &finding);
  } else {
    LookInPage(address, owner.page(), &finding);
  }
  return finding;
}

bool IsFreeByBitmap(const Finding& finding) {
  const PageHeader& page = *finding.page;
  Heap* const heap = g_heaps[page.heap];
  LockHolder holder(heap->lock());
  const uint64_t remote = page.remote.Peek(SlotBitmap::WordOf(finding.slot));
  return page.free.Test(finding.slot) || (remote & SlotBitmap::BitOf(finding.slot)) != 0;
}

void ReportBadPointer(const char* called, uintptr_t address, const Finding& finding) {
  const bool has_block = finding.StartsBlock() || finding.kind == Finding::kInterior;
  const bool free = has_block && IsFree(finding);
  Fault fault = MakeFault(called, address, finding, free);
  switch (finding.kind) {
    case Finding::kForeign:
      fault.what = kInvalidPointer;
      fault.detail = "no allocation of this process holds this address.";
      fault.advice =
          "It is a stack, global or unmapped address, or memory of a large block freed before.";
      break;
    case Finding::kInterior:
      fault.what = kInvalidPointer;
      fault.detail = "the pointer lies inside a block, not at its start.";
      break;
    case Finding::kNoBlock:
      fault.what = kInvalidPointer;
      fault.detail = "the pointer lies in the allocator's memory, where no block is.";
      fault.block = 0;
      break;
    case Finding::kBlock:
    case Finding::kLarge:
      fault.what = free ? kDoubleFree : kCorrupted;
      fault.detail = free ? "the block is free." : "the tag before the block was overwritten.";
      if (!free) fault.advice = kAdviseOverrun;
      break;
  }
  Report(fault);
}

void ReportOverrun(const char* called, uintptr_t address, const Finding& finding) {
  Fault fault = MakeFault(called, address, finding, /*free=*/false);
  fault.what = kCorrupted;
  fault.detail = "a write past the end of this block has overwritten what lies behind it.";
  fault.advice = kAdviseOverrun;
  Report(fault);
}

void ReportBrokenNeighbour(const char* called, uintptr_t address, const Finding& neighbour) {
  Fault fault = MakeFault(called, address, neighbour, IsFree(neighbour));
  fault.what = kCorrupted;
  fault.detail = "the tag of the block before it was overwritten.";
  fault.advice = kAdviseOverrun;
  Report(fault);
}

void ReportWriteAfterFree(uintptr_t byte, const Finding& finding) {
  Fault fault = MakeFault("free", byte, finding, /*free=*/true);
  fault.what = "write after free";
  fault.detail = "a block was written to after it had been freed.";
  fault.advice = "Look for a pointer to the block that is used after its free.";
  Report(fault);
}

void ReportDisagreement(const char* called, uintptr_t address, const Finding& finding) {
  Fault fault = MakeFault(called, address, finding, IsFree(finding));
  fault.what = kCorrupted;
  fault.detail = "the tag before the block is not the one that belongs there.";
  fault.advice = kAdviseOverrun;
  Report(fault);
}

void ReportFreeTwice(PageHeader* page, unsigned slot) {
  Fault fault = MakeSlotFault("free", page, slot);
  fault.what = kDoubleFree;
  fault.detail = "the block was freed by two threads.";
  Report(fault);
}

void ReportBrokenHeader(PageHeader* page) {
  Fault fault{};
  fault.called = "free";
  fault.address = reinterpret_cast<uintptr_t>(page);
  fault.what = kCorrupted;
  fault.detail = "the header of a page was overwritten.";
  fault.advice = kAdviseOverrun;
  Report(fault);
}

bool FindBrokenFreeBlock(uintptr_t block, unsigned* slot) {
  Interval range;
  Owner owner;
  if (!g_page_map.Find(block, &range, &owner) || owner.page() == nullptr) return false;
  *slot = static_cast<unsigned>((block - range.begin) / owner.page()->stride());
  Fault fault = MakeSlotFault("free", owner.page(), *slot);
  fault.what = kCorrupted;
  fault.detail = "the tag before a free block was overwritten.";
  fault.advice = kAdviseOverrun;
  Report(fault);
  return true;
}

}  // namespace mymalloc
