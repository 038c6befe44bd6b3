// What the kernel says of a process's memory, read without allocating any.

#ifndef MYMALLOC_TESTS_SUPPORT_MEMORY_USAGE_H_
#define MYMALLOC_TESTS_SUPPORT_MEMORY_USAGE_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>

namespace mymalloc::test {

size_t ResidentBytes();
size_t ResidentBytes(pid_t process);  // 0 if there is no such process.

// The size of the address space (VmSize).
size_t VirtualBytes();

// Lines of /proc/self/maps.
size_t MappingCount();

// Sleeps until the resident memory is at most `bytes` or the time is over, and returns what it is
// then.
size_t AwaitResidentAtMost(size_t bytes, std::chrono::milliseconds patience);

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_SUPPORT_MEMORY_USAGE_H_
