// What of a live process is in memory, as the kernel counts it.

#ifndef MYMALLOC_TOOLS_LOOK_RESIDENT_H_
#define MYMALLOC_TOOLS_LOOK_RESIDENT_H_

#include <sys/types.h>

#include <cstdint>

namespace mymalloc::look {

// Of all its memory; 0 if it is not known.
uint64_t ResidentBytes(pid_t pid);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_RESIDENT_H_
