// What a program can reach without any block: its registers, stacks, thread-local and static data.

#ifndef MYMALLOC_TOOLS_LOOK_ROOTS_H_
#define MYMALLOC_TOOLS_LOOK_ROOTS_H_

#include <cstdint>
#include <vector>

#include "tools/look/heap_model.h"
#include "tools/look/target.h"

namespace mymalloc::look {

// The words of these that may lead to a block, as they lie within the heap's span. REQUIRES: the
// threads are stopped, or dead.
std::vector<uint64_t> ReadRoots(const Target& target, const HeapModel& model,
                                const std::vector<Thread>& threads);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_ROOTS_H_
