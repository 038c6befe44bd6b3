// The blocks of libosmem.so: runs of slots of the thread's heap, or mappings.
//
//   |tag|A       |tag|B            |tag|         |tag|C       |      slots of 64 bytes: A has one, B two,
//   slot 7       slot 8     slot 9     slot 10       slot 11         then a free one, then C
//
// All that the heap has is a run, be it of one slot: no magazine keeps a slot from the bitmap, so
// what a program has freed is free for the block before it, too. A block of which kMostRunSlots
// slots are not enough lies in a page of longer ones.

#ifndef MYMALLOC_OSMEM_BLOCKS_H_
#define MYMALLOC_OSMEM_BLOCKS_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/kind.h"
#include "mymalloc/front/front.h"

namespace mymalloc::osmem {

// A block that takes `threshold` bytes or more, with its tag, is mapped, others are not. No
// pointer, and errno = ENOMEM, without memory.
NewBlock Allocate(size_t n, size_t threshold);

// The block where it is then; nullptr if it is free, none at all (which is reported), or if there
// is no memory. REQUIRES: n != 0.
void* Reallocate(uintptr_t block, size_t n, const Call& called);

void Free(uintptr_t block, const Call& called);

}  // namespace mymalloc::osmem

#endif  // MYMALLOC_OSMEM_BLOCKS_H_
