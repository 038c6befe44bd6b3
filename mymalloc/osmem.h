/* The public header of libosmem.so, for C and C++: the four functions that people write who learn
 * how an allocator works, on the engine of mymalloc. docs/learn.md shows them at work.
 *
 * They are made to be watched, not to be fast: every call takes the heap's lock, and
 * print_mem_heap() and all else in mymalloc/mymalloc.h, which the library has too, shows what it
 * has done. Where NULL says that there is no memory, errno is ENOMEM. All may be called by several
 * threads at once. */

#ifndef MYMALLOC_OSMEM_H_
#define MYMALLOC_OSMEM_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#define MYMALLOC_NOTHROW noexcept
#else
#define MYMALLOC_NOTHROW
#endif

/* NOLINTBEGIN: the names below are C's, which has no `using` */

/* What a block takes is its bytes, rounded up to a multiple of 8, and the 8 bytes of the tag before
 * it. A block that takes so much, or more, has a mapping of its own (mmap), which os_free unmaps; a
 * shorter one lies in the heap, where it is kept for reuse. So the longest in the heap has
 * MMAP_THRESHOLD - 16 bytes. */
#define MMAP_THRESHOLD (128 * 1024)

/* A block of n bytes, aligned to 16. NULL for 0 bytes, or if there is no memory. */
void* os_malloc(size_t n) MYMALLOC_NOTHROW;

/* A block of count * size bytes, all zero. The threshold is the kernel's page, 4096 bytes, instead
 * of MMAP_THRESHOLD. NULL for 0 bytes, or if there is no memory, or if the product is no size_t. */
void* os_calloc(size_t count, size_t size) MYMALLOC_NOTHROW;

/* Makes the block n bytes long, and returns where it is from now on. os_realloc(NULL, n) is
 * os_malloc(n); os_realloc(p, 0) is os_free(p), and returns NULL. It returns NULL also for a block
 * that is free already; and if there is no memory, and then the block stays.
 *
 * Afterwards the block is where os_malloc(n) would have it, in the heap or in a mapping.
 * In the heap:
 * - one that shrinks stays where it is, and what it has beyond n bytes is free at once;
 * - one that grows takes the free slots behind it, one at a time, until they suffice. What it has
 *   taken it keeps, also if they do not suffice. Then it moves: a new block, a copy, and the old one
 *   is free; if there is no memory for the new one, the old one stays, as long as it has become.
 * A mapping the kernel makes longer or shorter, and moves if it must. */
void* os_realloc(void* pointer, size_t n) MYMALLOC_NOTHROW;

/* Nothing for NULL. What is no live block is a misuse, and is reported. */
void os_free(void* pointer) MYMALLOC_NOTHROW;

/* NOLINTEND */

#undef MYMALLOC_NOTHROW
#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MYMALLOC_OSMEM_H_ */
