#include "mymalloc/misuse/diagnose.h"

#include "mymalloc/fault/fault.h"
#include "mymalloc/heap/freer.h"
#include "mymalloc/heap/heap.h"
#include "mymalloc/os/chunks.h"
#include "mymalloc/page/canary.h"
#include "mymalloc/page/page_glance.h"
#include "mymalloc/supply/page_map.h"

namespace mymalloc {
namespace {

// How the block was asked for, where its tag knows.
bool FindNote(const PageHeader& page, SlotIndex slot, Note* note) {
  if (!g_tag_secret.NotesAllowed()) return false;
  const uintptr_t block = page.Block(slot);
  const Tag tag = Tag::Of(block);
  *note = tag.note();
  return tag.Verifies(block) && note->slack < page.stride() &&
         (tag.low() & ~Tag::kLive) == Tag::Low(page.heap(), page.size_class(), slot);
}

// An address in a block, or in the tag behind it, belongs to that block: the end of a block is
// passed by mistake more often than what lies before one.
void LookInPage(uintptr_t address, PageHeader* page, Finding* finding) {
  finding->page = page;
  const size_t stride = page->stride();
  const SlotIndex slot = page->SlotAt(address);
  const SlotRun run = RunAt(*page, slot);
  finding->slot = run.first;
  finding->slots = run.slots;
  finding->block = page->Block(run.first);
  finding->usable = run.Usable(stride);
  if (!page->IsPlace(run.first)) {
    finding->kind = Finding::kNoBlock;
    return;
  }
  Note note;
  if (FindNote(*page, run.first, &note)) finding->usable -= note.slack;
  finding->kind = address == finding->block ? Finding::kBlock : Finding::kInterior;
}

void LookInLarge(uintptr_t address, LargeBlock* large, Finding* finding) {
  finding->large = large;
  finding->block = large->block;
  finding->usable = large->usable();
  finding->kind = address == large->block ? Finding::kLarge : Finding::kInterior;
}

bool BitIsFree(const PageHeader& page, SlotIndex slot) {
  const uint64_t remote = page.remote.Peek(SlotSet::WordOf(slot));
  return page.free.Test(slot) || (remote & SlotSet::BitOf(slot)) != 0;
}

// Everything asked: what lies in magazines is free too, and so is, by its tag alone, what is on its
// way home through another thread's gathered frees. Where the lock does not come free, magazines
// are not looked at.
bool IsFree(const Finding& finding) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (finding.large != nullptr) return !finding.large->IsLive();
  if (finding.page == nullptr || !finding.page->Intact()) return false;
  Heap* const heap = g_heaps[finding.page->heap()];
  const ReportLockHolder holder(heap->lock());
  if (BitIsFree(*finding.page, finding.slot)) return true;
  if (finding.slot >= finding.page->touched_end()) return true;
  if (holder.held() && heap->Holds(finding.block)) return true;
  const Tag tag = Tag::Of(finding.block);
  return tag.Verifies(finding.block) && !tag.live();
}

// What allocated the block; nullptr if that is not known.
const char* MakerOf(const Finding& finding) {
  if (finding.large != nullptr) return NotedMaker(finding.large->kind);
  Note note;
  const bool known = finding.page != nullptr && FindNote(*finding.page, finding.slot, &note);
  return known ? NotedMaker(note.kind) : nullptr;
}

FaultBlock Describe(const Finding& finding, bool free) {
  FaultBlock block;
  block.begin = finding.block;
  block.usable = finding.usable;
  block.state = free ? FaultBlock::kFree : "live";
  block.page = finding.page != nullptr ? finding.page->page().value() : 0;
  block.slot = finding.slot.value();
  block.maker = MakerOf(finding);
  block.sampling_shows_more = finding.page == nullptr || !IsOsmemClass(finding.page->size_class());
  return block;
}

Fault MakeFault(Message message, const char* called, uintptr_t address, const Finding& finding,
                bool free) {
  Fault fault(message, called, address);
  fault.block = Describe(finding, free);
  return fault;
}

// What of a tag is not as it was: the nearer of what it may have been.
Interval ChangedOfTag(uintptr_t block, uint64_t low) {
  const Tag free = Tag::Make(block, low);
  Interval nearest{};
  for (const Tag tag : {free, free.Live()}) {
    const uint64_t changed = Tag::BitsOf(block) ^ tag.bits();
    if (changed == 0) return {};
    const auto first = static_cast<unsigned>(__builtin_ctzll(changed)) / 8;
    const auto last = 7 - static_cast<unsigned>(__builtin_clzll(changed)) / 8;
    const uintptr_t at = block - kTagBytes;
    if (nearest.empty() || last - first + 1 < nearest.length()) {
      nearest = {at + first, at + last + 1};
    }
  }
  return nearest;
}

// What was overwritten behind a live block; empty if it is not known. Of a run, and of a tag that
// may have a note, nobody knows what it was.
Interval WrittenBehind(const Finding& finding) {
  if (finding.large != nullptr) return finding.large->canary().Changed();
  const PageHeader* const page = finding.page;
  if (page == nullptr || !page->Intact()) return {};
  if (g_tag_secret.NotesAllowed()) {
    const size_t usable = finding.run().Usable(page->stride());
    return Canary(finding.block, finding.usable, usable).Changed();
  }
  if (IsRunClass(page->size_class()) || finding.slots != kOneSlot) return {};
  const SlotIndex behind = finding.run().end();
  if (Tag::Of(page->Block(behind)).Verifies(page->Block(behind))) return {};
  return ChangedOfTag(page->Block(behind), Tag::Low(page->heap(), page->size_class(), behind));
}

// A tag is overwritten by the block before it, if there is one.
FaultBlock DescribeBefore(const Finding& finding) {
  if (finding.page == nullptr || finding.slot <= kFirstSlot + kOneSlot) return {};
  Finding before;
  LookInPage(finding.page->Block(finding.slot - kOneSlot), finding.page, &before);
  return before.kind != Finding::kNoBlock ? Describe(before, IsFree(before)) : FaultBlock{};
}

Message OfInterior(uintptr_t address, const Finding& finding, bool free) {
  const bool beside = address - finding.block >= finding.usable;  // before it, too
  if (beside) return Message::kBesideBlock;
  if (!free) return Message::kInsideLiveBlock;
  return finding.large != nullptr ? Message::kInsideFreedLarge : Message::kInsideFreeBlock;
}

// The large block that ends there, or with a guard page around there.
Finding LargeBefore(uintptr_t address) {
  const Finding next_to = Look(address - 1);
  if (next_to.large != nullptr) return next_to;
  const Finding before_guard = Look(address - KernelPage());
  const LargeBlock* const large = before_guard.large;
  return large != nullptr && address < large->end + large->guard ? before_guard : Finding();
}

// False if none of the large blocks that were freed lately was there.
bool DescribeFreedLarge(uintptr_t address, Fault* fault) {
  FreedLarge::Record freed;
  if (!g_large_blocks.FindFreed(address, &freed)) return false;
  fault->block = freed.Describe();
  fault->Say(address == freed.block ? Message::kIsFree : Message::kInsideFreedLarge);
  return true;
}

// No range of ours holds the address. One that did may have gone.
void DescribeForeign(uintptr_t address, Fault* fault) {
  const Finding before = LargeBefore(address);
  if (before.large != nullptr) {
    fault->block = Describe(before, IsFree(before));
    return fault->Say(Message::kBesideBlock);
  }
  fault->Say(Message::kForeign);
  if (DescribeFreedLarge(address, fault) || !os::InChunk(address)) return;
  // A page whose blocks were all freed; what is left of its tags may still prove it.
  fault->Say(Message::kPageGone);
  if (!os::HasReadableTag(address)) return;
  const Tag tag = Tag::Of(address);
  if (!tag.Verifies(address) || tag.live() || !IsPageClass(tag.size_class())) return;
  fault->Say(Message::kIsFreeWithItsPage);
  fault->block = {address, UsableOf(tag.size_class()), FaultBlock::kFree,
                  address - tag.slot().value() * StrideOf(tag.size_class()), tag.slot().value()};
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
  } else if (owner.sampled()) {
    finding.kind = Finding::kSampled;
  } else {
    LookInPage(address, owner.page(), &finding);
  }
  return finding;
}

bool IsFreeByBitmap(const Finding& finding) {
  LockHolder holder(g_heaps[finding.page->heap()]->lock());
  return BitIsFree(*finding.page, finding.slot);
}

void ReportBadPointer(const char* called, uintptr_t address, const Finding& found) {
  Finding finding = found;
  // As in a page: the end of a block is passed more often than what lies before one.
  if (found.large != nullptr && address == found.large->begin) {
    const Finding before = LargeBefore(address);
    if (before.large != nullptr) finding = before;
  }
  const bool has_block = finding.StartsBlock() || finding.kind == Finding::kInterior;
  const bool free = has_block && IsFree(finding);
  const bool never = free && finding.page != nullptr && finding.slot >= finding.page->touched_end();
  Fault fault = MakeFault(Message::kNeverHandedOut, called, address, finding, free);
  if (never) fault.block.state = "never handed out";
  switch (finding.kind) {
    case Finding::kSampled:  // not asked here
    case Finding::kForeign:
      DescribeForeign(address, &fault);
      break;
    case Finding::kUnknown:
      fault.Say(Message::kInHandler);
      break;
    case Finding::kInterior:
      if (!never) fault.Say(OfInterior(address, finding, free));
      break;
    case Finding::kNoBlock:
      fault.Say(Message::kInAllocatorsMemory);
      fault.block = {};
      DescribeFreedLarge(address, &fault);  // whose memory a page has now
      break;
    case Finding::kBlock:
    case Finding::kLarge:
      if (never) break;
      fault.Say(free ? Message::kIsFree : Message::kTagOverwritten);
      if (!free) fault.culprit = DescribeBefore(finding);
      break;
  }
  FaultEvent freed;
  // Of a page that has gone nobody knows what lies there now.
  const bool there = finding.page != nullptr || fault.block.page == 0;
  if (there) fault.freed = FreedBy(FreedFromWhere(fault.block), &freed);
  Report(fault);
}

void ReportOverrun(const char* called, uintptr_t address, const Finding& finding) {
  Fault fault = MakeFault(Message::kOverrun, called, address, finding, /*free=*/false);
  const Interval written = WrittenBehind(finding);
  fault.written = {written.begin, written.length()};
  Report(fault);
}

void ReportBrokenNeighbour(const char* called, uintptr_t address, const Finding& neighbour) {
  const bool free = IsFree(neighbour);
  Fault fault = MakeFault(Message::kTagBeforeOverwritten, called, address, neighbour, free);
  fault.culprit = DescribeBefore(neighbour);
  Report(fault);
}

void ReportWriteAfterFree(uintptr_t byte, const Finding& finding, uintptr_t caller) {
  Fault fault = MakeFault(Message::kWrittenAfterFree, nullptr, byte, finding, /*free=*/true);
  const uintptr_t end = finding.block + finding.usable;
  fault.written = {byte, Quarantine::CountForeign(byte, end > byte ? end - byte : 1)};
  FaultEvent freed;
  fault.freed = FreedBy(caller, &freed);
  Report(fault);
}

void ReportWrongSize(const char* called, uintptr_t address, const Finding& finding,
                     const char* name, uint64_t given) {
  Fault fault = MakeFault(Message::kWrongSize, called, address, finding, /*free=*/false);
  fault.given_name = name;
  fault.given = given;
  Report(fault);
}

void ReportMismatch(const char* called, uintptr_t address, const Finding& finding, Kind kind) {
  Report(MakeFault(OfKind(kind), called, address, finding, /*free=*/false));
}

void ReportDisagreement(const char* called, uintptr_t address, const Finding& finding) {
  Fault fault = MakeFault(Message::kTagOfAnother, called, address, finding, IsFree(finding));
  fault.culprit = DescribeBefore(finding);
  Report(fault);
}

}  // namespace mymalloc
