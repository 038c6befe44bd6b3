// What is wrong with this pointer? Asks the tree, then the page's header and bitmap, and reports.

#ifndef MYMALLOC_MISUSE_DIAGNOSE_H_
#define MYMALLOC_MISUSE_DIAGNOSE_H_

#include <cstdint>

#include "mymalloc/large/large.h"
#include "mymalloc/page/page.h"

namespace mymalloc {

// What the tree knows of an address.
struct Finding {
  enum Kind : uint8_t {
    kForeign,   // in no range of ours
    kLarge,     // the start of a large block
    kBlock,     // the start of a block in a page
    kInterior,  // elsewhere in a block or beside it
    kNoBlock,   // in a page, but where no block is: its header or its edge
    kUnknown,   // the tree cannot be asked: this thread was interrupted as it changed it
    kSampled,  // anywhere in the pool of sampled blocks (misuse/sampled_blocks.h), which knows more
  };
  Kind kind = kForeign;
  PageHeader* page = nullptr;
  LargeBlock* large = nullptr;
  // The block that the address lies in or, for kNoBlock, is nearest to.
  uintptr_t block = 0;
  size_t usable = 0;
  SlotIndex slot{};            // in a page: its first slot,
  SlotCount slots = kOneSlot;  // and how many it has

  SlotRun run() const { return {slot, slots}; }
  bool StartsBlock() const { return kind == kBlock || kind == kLarge; }
};

// Asks the tree.
Finding Look(uintptr_t address);

// Whether the bitmaps say that the block is free. Takes the heap's lock; the reports do, if it
// comes free soon. REQUIRES that the caller holds no lock.
bool IsFreeByBitmap(const Finding& finding);

// Reports why `address`, given to `called`, is no live block of ours; or that its tag is broken.
// Returns if the option on_error says so.
void ReportBadPointer(const char* called, uintptr_t address, const Finding& found);

// The fence of a live block was overwritten.
void ReportOverrun(const char* called, uintptr_t address, const Finding& finding);

// The tag of the block beside the one that is freed was overwritten.
void ReportBrokenNeighbour(const char* called, uintptr_t address, const Finding& neighbour);
// A block in quarantine no longer holds what it was filled with, from `byte` on.
// `caller`: from where it was freed; 0: it is not known.
void ReportWriteAfterFree(uintptr_t byte, const Finding& finding, uintptr_t caller);

// A live block is freed with a size or alignment (`name`) that cannot be its own.
void ReportWrongSize(const char* called, uintptr_t address, const Finding& finding,
                     const char* name, uint64_t given);

// A live block is freed by what does not free that kind.
void ReportMismatch(const char* called, uintptr_t address, const Finding& finding, Kind kind);

// The tag and the tree disagree about a block whose tag verifies.
void ReportDisagreement(const char* called, uintptr_t address, const Finding& finding);

}  // namespace mymalloc

#endif  // MYMALLOC_MISUSE_DIAGNOSE_H_
