// What the kernel says of this process's memory, read without allocating any.

#ifndef MYMALLOC_TESTS_SUPPORT_MEMORY_USAGE_H_
#define MYMALLOC_TESTS_SUPPORT_MEMORY_USAGE_H_

#include <chrono>
#include <cstddef>

namespace mymalloc::test {

size_t ResidentBytes();

// Lines of /proc/self/maps.
size_t MappingCount();

// Sleeps until the resident memory is at most `bytes` or the time is over, and returns what it is
// then.
size_t AwaitResidentAtMost(size_t bytes, std::chrono::milliseconds patience);

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_SUPPORT_MEMORY_USAGE_H_
