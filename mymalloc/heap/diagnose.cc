#include "mymalloc/heap/diagnose.h"

#include "mymalloc/fault/fault.h"
#include "mymalloc/heap/heap.h"
#include "mymalloc/heap/page_map.h"
#include "mymalloc/os/chunks.h"

namespace mymalloc {
namespace {

constexpr char kDoubleFree[] = "double free";
constexpr char kInvalidPointer[] = "invalid pointer";
constexpr char kCorrupted[] = "corrupted heap";

constexpr char kNeverHandedOut[] = "no block was handed out there yet.";
constexpr char kBeside[] = "the pointer lies beside a block, not at its start.";
constexpr char kInFreedLarge[] = "the pointer lies inside a large block that was freed before.";
constexpr char kAdviseOwner[] =
    "Each block must be freed once, by the pointer that malloc returned.";
constexpr char kAdviseOverrun[] =
    "Look for a write past the end of the block before, or before the start of this one.";

// An address belongs to the block that it lies in or, in the tag behind it, has come from: the end
// of a block is given away by mistake more often than what lies before one.
void LookInPage(uintptr_t address, PageHeader* page, Finding* finding) {
  finding->page = page;
  const size_t stride = page->stride();
  const size_t offset = address - page->page();
  const unsigned slot = static_cast<unsigned>(offset / stride);
  const SlotRun run = RunAt(*page, slot);
  finding->slot = run.first;
  finding->slots = run.slots;
  finding->block = page->Block(run.first);
  finding->usable = run.Usable(stride);
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

bool BitIsFree(const PageHeader& page, unsigned slot) {
  const uint64_t remote = page.remote.Peek(SlotBitmap::WordOf(slot));
  return page.free.Test(slot) || (remote & SlotBitmap::BitOf(slot)) != 0;
}

// Everything asked: what lies in magazines is free too, and so is, by its tag alone, what is on its
// way home through another thread's gathered frees. Where the lock does not come free, magazines
// are not looked at.
bool IsFree(const Finding& finding) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (finding.large != nullptr) return !finding.large->IsLive();
  if (finding.page == nullptr || !finding.page->Intact()) return false;
  Heap* const heap = g_heaps[finding.page->heap];
  const ReportLockHolder holder(heap->lock());
  if (BitIsFree(*finding.page, finding.slot)) return true;
  if (finding.slot >= finding.page->high_water) return true;
  if (holder.held() && heap->Holds(finding.block)) return true;
  const Tag tag = Tag::Of(finding.block);
  return tag.Verifies(finding.block) && !tag.live();
}

FaultBlock Describe(const Finding& finding, bool free) {
  FaultBlock block;
  block.begin = finding.block;
  block.usable = finding.usable;
  block.state = free ? "free" : "live";
  block.page = finding.page != nullptr ? finding.page->page() : 0;
  block.slot = finding.slot;
  return block;
}

Fault MakeFault(const char* called, uintptr_t address, const Finding& finding, bool free) {
  Fault fault{};
  fault.called = called;
  fault.address = address;
  fault.advice = kAdviseOwner;
  fault.block = Describe(finding, free);
  return fault;
}

Finding FindSlot(PageHeader* page, unsigned slot) {
  Finding finding;
  finding.kind = Finding::kBlock;
  finding.page = page;
  finding.slot = slot;
  finding.block = page->Block(slot);
  finding.usable = page->stride() - kTagBytes;
  return finding;
}

// What comes to light later than at the call that did it has no call to name.
constexpr const char* kNoCall = nullptr;

Fault MakeSlotFault(PageHeader* page, unsigned slot) {
  return MakeFault(kNoCall, page->Block(slot), FindSlot(page, slot), /*free=*/true);
}

// A tag is overwritten by the block before it, if there is one.
FaultBlock DescribeBefore(const Finding& finding) {
  if (finding.page == nullptr || finding.slot <= 1) return {};
  Finding before;
  LookInPage(finding.page->Block(finding.slot - 1), finding.page, &before);
  return before.kind != Finding::kNoBlock ? Describe(before, IsFree(before)) : FaultBlock{};
}

const char* DescribeInterior(uintptr_t address, const Finding& finding, bool free) {
  const bool beside = address - finding.block >= finding.usable;  // before it, too
  if (beside) return kBeside;
  if (free && finding.large != nullptr) return kInFreedLarge;
  return free ? "the pointer lies inside a free block."
              : "the pointer lies inside a block, not at its start.";
}

// The large block that ends there, or with a guard page around there.
Finding LargeBefore(uintptr_t address) {
  const Finding next_to = Look(address - 1);
  if (next_to.large != nullptr) return next_to;
  const Finding before_guard = Look(address - kOsPage);
  const LargeBlock* const large = before_guard.large;
  return large != nullptr && address < large->end + large->guard ? before_guard : Finding();
}

// False if none of the large blocks that were freed lately was there.
bool DescribeFreedLarge(uintptr_t address, Fault* fault) {
  FreedLarge::Record freed;
  if (!g_large_blocks.FindFreed(address, &freed)) return false;
  fault->block = {freed.block, freed.usable, "free", 0, 0};
  fault->detail = kInFreedLarge;
  if (address == freed.block) {
    fault->what = kDoubleFree;
    fault->detail = "the block is free.";
  }
  fault->advice = kAdviseOwner;
  return true;
}

// No range of ours holds the address. One that did may have gone.
void DescribeForeign(uintptr_t address, Fault* fault) {
  fault->what = kInvalidPointer;
  fault->advice = kAdviseOwner;
  const Finding before = LargeBefore(address);
  if (before.large != nullptr) {
    fault->block = Describe(before, IsFree(before));
    fault->detail = kBeside;
    return;
  }
  fault->detail = "no allocation of this process holds this address.";
  fault->advice = "It is a stack, global, code or unmapped address, or was never one.";
  if (DescribeFreedLarge(address, fault)) return;
  if (os::InChunk(address)) {
    // A page whose blocks were all freed; what is left of its tags may still prove it.
    fault->detail = "no block lies there now; the page that held one may have been given back.";
    fault->advice = kAdviseOwner;
    if (!os::HasReadableTag(address)) return;
    const Tag tag = Tag::Of(address);
    if (!tag.Verifies(address) || tag.live() || tag.size_class() >= kPageClasses) return;
    fault->what = kDoubleFree;
    fault->detail = "the block is free, and its page has been given back.";
    fault->block = {address, UsableOf(tag.size_class()), "free",
                    address - tag.slot() * StrideOf(tag.size_class()), tag.slot()};
  }
}

}  // namespace

Finding Look(uintptr_t address) {
  Finding finding;
  Interval range;
  Owner owner;
  if (!g_page_map.Find(address, &range, &owner)) {
    if (g_page_map.EditedByThisThread()) finding.kind = Finding::kUnknown;
    return finding;
  }
  if (LargeBlock* large = owner.large()) {
    LookInLarge(address, large, &finding);
  } else if (owner.guarded()) {
    finding.kind = Finding::kGuarded;
  } else {
    LookInPage(address, owner.page(), &finding);
  }
  return finding;
}

bool IsFreeByBitmap(const Finding& finding) {
  LockHolder holder(g_heaps[finding.page->heap]->lock());
  return BitIsFree(*finding.page, finding.slot);
}

void ReportBadPointer(const char* called, uintptr_t address, const Finding& found) {
  Finding finding = found;
  // As in a page: the end of a block is given away more often than what lies before one.
  if (found.large != nullptr && address == found.large->begin) {
    const Finding before = LargeBefore(address);
    if (before.large != nullptr) finding = before;
  }
  const bool has_block = finding.StartsBlock() || finding.kind == Finding::kInterior;
  const bool free = has_block && IsFree(finding);
  const bool never = free && finding.page != nullptr && finding.slot >= finding.page->high_water;
  Fault fault = MakeFault(called, address, finding, free);
  if (never) fault.block.state = "never handed out";
  switch (finding.kind) {
    case Finding::kGuarded:  // not asked here
    case Finding::kForeign:
      DescribeForeign(address, &fault);
      break;
    case Finding::kUnknown:
      fault.what = kInvalidPointer;
      fault.detail = "a signal handler interrupted the allocator; nothing can be looked up there.";
      fault.advice =
          "malloc and free may not be called in the handler of a signal that may come then.";
      break;
    case Finding::kInterior:
      fault.what = kInvalidPointer;
      fault.detail = never ? kNeverHandedOut : DescribeInterior(address, finding, free);
      break;
    case Finding::kNoBlock:
      fault.what = kInvalidPointer;
      fault.detail = "the pointer lies in the allocator's memory, where no block is.";
      fault.block = {};
      DescribeFreedLarge(address, &fault);  // whose memory a page has now
      break;
    case Finding::kBlock:
    case Finding::kLarge:
      fault.what = never ? kInvalidPointer : free ? kDoubleFree : kCorrupted;
      fault.detail = never  ? kNeverHandedOut
                     : free ? "the block is free."
                            : "the tag before the block was overwritten.";
      if (free) break;
      fault.advice = kAdviseOverrun;
      fault.culprit = DescribeBefore(finding);
      break;
  }
  Report(fault);
}

void ReportOverrun(const char* called, uintptr_t address, const Finding& finding) {
  Fault fault = MakeFault(called, address, finding, /*free=*/false);
  fault.what = kCorrupted;
  fault.detail = "what lies behind the block was overwritten.";
  fault.advice = "Look for a write past the end of this block.";
  Report(fault);
}

void ReportBrokenNeighbour(const char* called, uintptr_t address, const Finding& neighbour) {
  Fault fault = MakeFault(called, address, neighbour, IsFree(neighbour));
  fault.what = kCorrupted;
  fault.detail = "the tag of the block before this one was overwritten.";
  fault.advice = kAdviseOverrun;
  fault.culprit = DescribeBefore(neighbour);
  Report(fault);
}

void ReportWriteAfterFree(uintptr_t byte, const Finding& finding) {
  Fault fault = MakeFault(kNoCall, byte, finding, /*free=*/true);
  fault.what = "write after free";
  fault.detail = "a block was written to after it had been freed.";
  fault.advice = "Look for a pointer to the block that is used after its free.";
  Report(fault);
}

void ReportWriteAfterFree(uintptr_t byte, uintptr_t block, size_t usable) {
  Finding finding;
  finding.block = block;
  finding.usable = usable;
  ReportWriteAfterFree(byte, finding);
}

void ReportWrongSize(const char* called, uintptr_t address, const Finding& finding,
                     const char* name, uint64_t given) {
  Fault fault = MakeFault(called, address, finding, /*free=*/false);
  fault.what = "invalid size";
  fault.detail = "the block cannot have been allocated with that.";
  fault.advice = "Free a block with the size, alignment and type that it was allocated with.";
  fault.given_name = name;
  fault.given = given;
  Report(fault);
}

void ReportDisagreement(const char* called, uintptr_t address, const Finding& finding) {
  Fault fault = MakeFault(called, address, finding, IsFree(finding));
  fault.what = kCorrupted;
  fault.detail = "the tag before the block is not the one that belongs there.";
  fault.advice = kAdviseOverrun;
  fault.culprit = DescribeBefore(finding);
  Report(fault);
}

void ReportFreeTwice(PageHeader* page, unsigned slot) {
  Fault fault = MakeSlotFault(page, slot);
  fault.what = kDoubleFree;
  fault.detail = "the block was freed by two threads.";
  Report(fault);
}

void ReportBrokenHeader(PageHeader* page) {
  Fault fault{};
  fault.called = kNoCall;
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
  Fault fault = MakeSlotFault(owner.page(), *slot);
  fault.what = kCorrupted;
  fault.detail = "the tag before a free block was overwritten.";
  fault.advice = kAdviseOverrun;
  Report(fault);
  return true;
}

}  // namespace mymalloc
