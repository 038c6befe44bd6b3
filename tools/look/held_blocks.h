// What threads hold: free blocks that the bitmaps call taken.

#ifndef MYMALLOC_TOOLS_LOOK_HELD_BLOCKS_H_
#define MYMALLOC_TOOLS_LOOK_HELD_BLOCKS_H_

#include "mymalloc/report/descriptor.h"
#include "tools/look/heap_model.h"
#include "tools/look/memory.h"

namespace mymalloc::look {

// REQUIRES: the model has all pages. Marks their slots, and adds the heaps.
void ReadHeldBlocks(const Memory& memory, const Descriptor& descriptor, HeapModel* model);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_HELD_BLOCKS_H_
