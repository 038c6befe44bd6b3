// Programs that ask questions of another allocator: jemalloc's mallctl, tcmalloc's MallocExtension.
// libmymalloc_compat.so answers them by this heap.

#ifndef MYMALLOC_TOOLS_COMMAND_OTHER_ALLOCATORS_H_
#define MYMALLOC_TOOLS_COMMAND_OTHER_ALLOCATORS_H_

#include <string>

namespace mymalloc::command {

// Whether the program, found as a shell finds it, is linked with one of them.
bool IsLinkedWithAnother(const std::string& program);

// The library that answers for it, beside the one that is preloaded; empty if it is not there.
std::string FindCompat(const std::string& library);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_OTHER_ALLOCATORS_H_
