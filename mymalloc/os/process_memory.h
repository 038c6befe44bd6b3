// How much memory may this process have?

#ifndef MYMALLOC_OS_PROCESS_MEMORY_H_
#define MYMALLOC_OS_PROCESS_MEMORY_H_

#include <cstdint>

namespace mymalloc::os {

// The least of what its cgroup and those above may have, and what the machine has. Reads files:
// only at the start.
uint64_t MemoryOfProcess();

}  // namespace mymalloc::os

#endif  // MYMALLOC_OS_PROCESS_MEMORY_H_
