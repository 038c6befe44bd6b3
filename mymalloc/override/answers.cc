// What a program may ask of its heap: the questions of mymalloc.h by their names.

#define MYMALLOC_LINKED

#include "mymalloc/answer/find.h"
#include "mymalloc/mymalloc.h"

#define MYMALLOC_API extern "C" __attribute__((visibility("default")))

MYMALLOC_API int mymalloc_find(const void* address, mymalloc_info* info) noexcept {
  return mymalloc::FindAddress(reinterpret_cast<uintptr_t>(address), info) ? 0 : -1;
}

MYMALLOC_API mymalloc_range mymalloc_check_range(const void* pointer, size_t n) noexcept {
  return mymalloc::CheckRange(reinterpret_cast<uintptr_t>(pointer), n);
}
