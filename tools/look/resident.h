// What of a live process is in memory, as the kernel counts it.

#ifndef MYMALLOC_TOOLS_LOOK_RESIDENT_H_
#define MYMALLOC_TOOLS_LOOK_RESIDENT_H_

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "tools/look/target.h"
#include "tree/interval.h"

namespace mymalloc::look {

// Of all its memory; 0 if it is not known.
uint64_t ResidentBytes(pid_t pid);
// Of these ranges, as far as they are mapped, in whole kernel pages; 0 if it is not known. They may
// be what a damaged heap says, and of any length.
uint64_t ResidentBytes(const Target& target, const std::vector<Interval>& ranges);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_RESIDENT_H_
