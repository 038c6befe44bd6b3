// What the kernel says is mapped at an address: /proc/self/maps, read without malloc.

#ifndef MYMALLOC_OS_MEMORY_MAP_H_
#define MYMALLOC_OS_MEMORY_MAP_H_

#include <cstdint>

namespace mymalloc::os {

struct Mapping {
  uintptr_t begin = 0;
  uintptr_t end = 0;
  bool readable = false;
  bool writable = false;
  enum Kind : uint8_t { kAnonymous, kFile, kBrkHeap, kStack, kOther } kind = kOther;
};

// The mapping that holds an address. False when there is none, or /proc is not there.
bool FindMapping(uintptr_t address, Mapping* mapping);

}  // namespace mymalloc::os

#endif  // MYMALLOC_OS_MEMORY_MAP_H_
