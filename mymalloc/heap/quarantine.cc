#include "mymalloc/heap/quarantine.h"

#include <string.h>

#include "mymalloc/os/metadata.h"

namespace mymalloc {

bool Quarantine::AllocateItems() {
  items_ = static_cast<Pair*>(os::AllocateMetadata(kMostBlocks * sizeof(*items_)));
  return items_ != nullptr;
}

// All words are alike if each is like the one before: the C library compares fast.
bool Quarantine::IsFilledLong(uintptr_t begin, size_t bytes) {
  const void* const first = reinterpret_cast<const void*>(begin);
  const void* const second = reinterpret_cast<const void*>(begin + sizeof(kWord));
  return memcmp(first, &kWord, sizeof(kWord)) == 0 &&
         memcmp(first, second, bytes - sizeof(kWord)) == 0;
}

uintptr_t Quarantine::FindForeignByte(uintptr_t begin, size_t bytes) {
  for (uintptr_t byte = begin; byte < begin + bytes; ++byte) {
    if (*reinterpret_cast<const unsigned char*>(byte) != kPattern) return byte;
  }
  return 0;
}

size_t Quarantine::CountForeign(uintptr_t begin, size_t most) {
  size_t count = 0;
  while (count < most && *reinterpret_cast<const unsigned char*>(begin + count) != kPattern) {
    ++count;
  }
  return count;
}

}  // namespace mymalloc
