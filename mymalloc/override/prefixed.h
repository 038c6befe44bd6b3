/* mymalloc under names of its own, for programs that link with it without replacing malloc. In C
 * and C++. Semantics are those of the functions without the prefix. */

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

void* mymalloc_malloc(size_t n) MYMALLOC_NOTHROW;
void mymalloc_free(void* pointer) MYMALLOC_NOTHROW;
void* mymalloc_calloc(size_t count, size_t size) MYMALLOC_NOTHROW;
void* mymalloc_realloc(void* pointer, size_t n) MYMALLOC_NOTHROW;
void* mymalloc_reallocarray(void* pointer, size_t count, size_t size) MYMALLOC_NOTHROW;
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

#undef MYMALLOC_NOTHROW
#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MYMALLOC_OVERRIDE_PREFIXED_H_ */
