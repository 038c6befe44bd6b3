/* mymalloc under names of its own, for programs that keep libc's malloc beside it: they link with
 * libmymalloc_prefixed.so. In C and C++. Semantics are those of the functions without the prefix.
 * And mymalloc_on_misuse, which is also for programs whose malloc mymalloc is. */

#ifndef MYMALLOC_OVERRIDE_PREFIXED_H_
#define MYMALLOC_OVERRIDE_PREFIXED_H_

#include <malloc.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#define MYMALLOC_NOTHROW noexcept
#else
#define MYMALLOC_NOTHROW
#endif

/* The version of this header, and (mymalloc_version) of the library that the program runs with. A
 * program made for one version runs with each later one of the same MAJOR; before 1.0 also MINOR
 * must be the same. */
#define MYMALLOC_VERSION_MAJOR 0
#define MYMALLOC_VERSION_MINOR 9
#define MYMALLOC_VERSION_PATCH 0
#define MYMALLOC_VERSION "0.9.0"
const char* mymalloc_version(void) MYMALLOC_NOTHROW;

void* mymalloc_malloc(size_t n) MYMALLOC_NOTHROW;
void mymalloc_free(void* pointer) MYMALLOC_NOTHROW;
void* mymalloc_calloc(size_t count, size_t size) MYMALLOC_NOTHROW;
void* mymalloc_realloc(void* pointer, size_t n) MYMALLOC_NOTHROW;
void* mymalloc_reallocarray(void* pointer, size_t count, size_t size) MYMALLOC_NOTHROW;
/* An alignment that is no power of two: memalign rounds it up to one, the other two fail. */
void* mymalloc_memalign(size_t alignment, size_t n) MYMALLOC_NOTHROW;
void* mymalloc_aligned_alloc(size_t alignment, size_t n) MYMALLOC_NOTHROW;
int mymalloc_posix_memalign(void** result, size_t alignment, size_t n) MYMALLOC_NOTHROW;
void* mymalloc_valloc(size_t n) MYMALLOC_NOTHROW;
void* mymalloc_pvalloc(size_t n) MYMALLOC_NOTHROW;
void mymalloc_cfree(void* pointer) MYMALLOC_NOTHROW;
void mymalloc_free_sized(void* pointer, size_t n) MYMALLOC_NOTHROW;
void mymalloc_free_aligned_sized(void* pointer, size_t alignment, size_t n) MYMALLOC_NOTHROW;
size_t mymalloc_malloc_usable_size(void* pointer) MYMALLOC_NOTHROW;
int mymalloc_mallopt(int parameter, int value) MYMALLOC_NOTHROW;
struct mallinfo mymalloc_mallinfo(void) MYMALLOC_NOTHROW;
struct mallinfo2 mymalloc_mallinfo2(void) MYMALLOC_NOTHROW;
int mymalloc_malloc_trim(size_t pad) MYMALLOC_NOTHROW;
void mymalloc_malloc_stats(void) MYMALLOC_NOTHROW;
int mymalloc_malloc_info(int options, FILE* stream) MYMALLOC_NOTHROW;

/* NOLINTBEGIN: names of C's */
enum mymalloc_misuse_kind {
  MYMALLOC_DOUBLE_FREE,
  MYMALLOC_INVALID_POINTER,
  MYMALLOC_INVALID_SIZE,
  MYMALLOC_CORRUPTED_HEAP,
  MYMALLOC_WRITE_AFTER_FREE,
  MYMALLOC_USE_AFTER_FREE,
  MYMALLOC_OUT_OF_BOUNDS,
  MYMALLOC_MISMATCHED_FREE
};
/* NOLINTEND */

/* A misuse of the heap. All of it is valid only while the callback runs. */
struct mymalloc_misuse { /* NOLINT: a name of C's */
  const char* what;      /* the kind in words: "double free", "out of bounds" */
  const char* called;  /* the function: "free"; or "a later call", "giving memory back" found it */
  void* address;       /* what that was given */
  void* block;         /* where the block begins that this lies in or near; NULL if in none */
  size_t usable_size;  /* of that block */
  const char* message; /* the report as it is written to stderr, terminated */
  size_t message_size;
  enum mymalloc_misuse_kind kind;
};

/* NOLINTNEXTLINE: C has no `using` */
typedef void (*mymalloc_misuse_callback)(const struct mymalloc_misuse* misuse, void* argument);

/* Has `callback` called on each misuse, on the thread that makes it: after the report was written
 * and before the program is aborted, or goes on (option on_error; with `ignore` it is called too,
 * and nothing is written). There is one callback; NULL removes it.
 *
 * The allocator may hold locks meanwhile: the callback may do what a signal handler may, so it must
 * not allocate or free, and it must return or end the process. A misuse that it makes itself is
 * reported, but not to it. What the allocator finds while it gives memory back is told on the
 * thread whose call gave it back. */
void mymalloc_on_misuse(mymalloc_misuse_callback callback, void* argument) MYMALLOC_NOTHROW;

#undef MYMALLOC_NOTHROW
#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MYMALLOC_OVERRIDE_PREFIXED_H_ */
