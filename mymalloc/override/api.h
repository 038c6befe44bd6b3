// The malloc API by its semantics: C, POSIX and glibc's manual. Exported twice, under libc's names
// (libc_names.cc) and with the prefix mymalloc_ (prefixed_names.cc).

#ifndef MYMALLOC_OVERRIDE_API_H_
#define MYMALLOC_OVERRIDE_API_H_

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mymalloc/front/front.h"

namespace mymalloc::api {

// All set errno when they return nullptr, as front.h does.

inline void* NoMemory() {
  errno = ENOMEM;
  return nullptr;
}

// Above the small sizes.
void* MallocMedium(size_t n, Kind kind = Kind::kMalloc);
void* CallocMedium(size_t n);

ABSL_ATTRIBUTE_ALWAYS_INLINE inline void* Malloc(size_t n, Kind kind = Kind::kMalloc) {
  return ABSL_PREDICT_TRUE(n <= kLargestSmall) ? AllocateSmall(n, kind) : MallocMedium(n, kind);
}

inline void* Calloc(size_t count, size_t size) {
  size_t n;
  if (ABSL_PREDICT_FALSE(__builtin_mul_overflow(count, size, &n))) return NoMemory();
  if (n > kLargestSmall) return CallocMedium(n);
  void* const pointer = AllocateSmall(n);
  return ABSL_PREDICT_TRUE(pointer != nullptr) ? memset(pointer, 0, n) : nullptr;
}

void* Realloc(void* pointer, size_t n, const Call& called = kReallocCall);
void* ReallocArray(void* pointer, size_t count, size_t size);

// An alignment that is no power of two: memalign rounds it up to one, as glibc does; aligned_alloc
// fails with EINVAL, as C17 asks.
void* Memalign(size_t alignment, size_t n);
void* AlignedAlloc(size_t alignment, size_t n);
int PosixMemalign(void** result, size_t alignment, size_t n, Kind kind = Kind::kMalloc);
void* Valloc(size_t n);
void* Pvalloc(size_t n);

// A size or alignment that cannot be right is a misuse; with any other these are free.
void FreeSized(void* pointer, size_t n);
void FreeAlignedSized(void* pointer, size_t alignment, size_t n);

inline size_t MallocUsableSize(void* pointer) {
  return pointer == nullptr ? 0 : UsableSize(pointer, "malloc_usable_size");
}

}  // namespace mymalloc::api

#endif  // MYMALLOC_OVERRIDE_API_H_
