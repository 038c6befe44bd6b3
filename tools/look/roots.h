// What a program can reach without any block: its registers, stacks, thread-local and static data.

#ifndef MYMALLOC_TOOLS_LOOK_ROOTS_H_
#define MYMALLOC_TOOLS_LOOK_ROOTS_H_

#include <vector>

#include "tools/look/block_index.h"
#include "tools/look/heap_model.h"
#include "tools/look/target.h"

namespace mymalloc::look {

// The live blocks that any word of these lies in. REQUIRES: the threads are stopped, or dead.
std::vector<BlockIndex::Number> FindRoots(const Target& target, const HeapModel& model,
                                          const std::vector<Thread>& threads,
                                          const BlockIndex& index);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_ROOTS_H_
