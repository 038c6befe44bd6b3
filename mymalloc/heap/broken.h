// What a heap finds broken by itself, under its lock, at whatever call comes next.

#ifndef MYMALLOC_HEAP_BROKEN_H_
#define MYMALLOC_HEAP_BROKEN_H_

#include <cstdint>

#include "mymalloc/page/page.h"

namespace mymalloc {

// A slot that comes back into the bitmap was free already.
void ReportFreeTwice(PageHeader* page, SlotIndex slot);
// A header is not what FormatPage wrote.
void ReportBrokenHeader(PageHeader* page);
// A free block's tag no longer verifies: reports it, and finds its slot by the tree.
bool FindBrokenFreeBlock(uintptr_t block, SlotIndex* slot);

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_BROKEN_H_
