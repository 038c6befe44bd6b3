// What /proc/self/maps says of an address, read without allocating any memory.

#ifndef MYMALLOC_TESTS_OSMEM_MAPPINGS_H_
#define MYMALLOC_TESTS_OSMEM_MAPPINGS_H_

#include <cstddef>
#include <cstdint>

namespace mymalloc::test {

// How many of the bytes [address, address + length) lie in a mapping.
size_t MappedBytes(uintptr_t address, size_t length);

// Of all mappings together.
size_t MappedBytes();

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_OSMEM_MAPPINGS_H_
