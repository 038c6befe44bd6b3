// jemalloc's malloc functions with flags, on this heap: a program that was built for jemalloc gives
// what they return to free, and the reverse.

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MYMALLOC_API extern "C" __attribute__((visibility("default")))

namespace {

// What jemalloc's header makes of MALLOCX_LG_ALIGN, MALLOCX_ALIGN and MALLOCX_ZERO. The rest of the
// flags choose a cache and an arena: hints, here.
constexpr int kAlignmentMask = 63;
constexpr int kZero = 64;

size_t AlignmentOf(int flags) { return size_t{1} << (flags & kAlignmentMask); }

void* Allocate(size_t n, int flags) {
  const size_t alignment = AlignmentOf(flags);
  const bool zero = (flags & kZero) != 0;
  if (alignment <= alignof(max_align_t)) return zero ? calloc(1, n) : malloc(n);
  void* pointer = nullptr;
  if (posix_memalign(&pointer, alignment, n) != 0) return nullptr;
  return zero ? memset(pointer, 0, n) : pointer;
}

// What lies behind the bytes there were before: realloc makes no promise of it.
void ClearFrom(void* pointer, size_t before) {
  const size_t usable = malloc_usable_size(pointer);
  if (usable > before) memset(static_cast<char*>(pointer) + before, 0, usable - before);
}

void* Move(void* pointer, size_t n, int flags) {
  void* const fresh = Allocate(n, flags);
  if (fresh == nullptr) return nullptr;
  const size_t usable = malloc_usable_size(pointer);
  memcpy(fresh, pointer, usable < n ? usable : n);
  free(pointer);
  return fresh;
}

}  // namespace

MYMALLOC_API void* mallocx(size_t n, int flags) { return Allocate(n, flags); }

MYMALLOC_API void* rallocx(void* pointer, size_t n, int flags) {
  const size_t before = malloc_usable_size(pointer);
  const bool aligned = AlignmentOf(flags) > alignof(max_align_t);
  void* const fresh = aligned ? Move(pointer, n, flags) : realloc(pointer, n);
  if (fresh != nullptr && (flags & kZero) != 0) ClearFrom(fresh, before);
  return fresh;
}

// Never moves a block, and so never grows one beyond what it can use already: that is an answer
// that every caller must expect.
MYMALLOC_API size_t xallocx(void* pointer, size_t n, size_t extra, int flags) {
  (void)n, (void)extra, (void)flags;
  return malloc_usable_size(pointer);
}

MYMALLOC_API size_t sallocx(const void* pointer, int flags) {
  (void)flags;
  return malloc_usable_size(const_cast<void*>(pointer));
}

MYMALLOC_API void dallocx(void* pointer, int flags) {
  (void)flags;
  free(pointer);
}

MYMALLOC_API void sdallocx(void* pointer, size_t n, int flags) {
  (void)n, (void)flags;
  free(pointer);
}

// What a block of that size could use: asked of one. 0 if there can be none.
MYMALLOC_API size_t nallocx(size_t n, int flags) {
  const int saved_errno = errno;
  void* const pointer = Allocate(n, flags & ~kZero);
  errno = saved_errno;
  if (pointer == nullptr) return 0;
  const size_t usable = malloc_usable_size(pointer);
  free(pointer);
  return usable;
}
