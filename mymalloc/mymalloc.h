/* The public header of mymalloc, for C and C++: what a program may ask of the allocator that it
 * runs on. There is nothing to switch on, and nothing costs anything before it is asked.
 *
 * The questions are declared weak: a program that only may run on mymalloc (LD_PRELOAD) links
 * without it, and tests before it asks, as
 *
 *   if (mymalloc_find != NULL && mymalloc_find(p, &info) == 0) ...
 *
 * A program that links with the library, and shall not link without, defines MYMALLOC_LINKED before
 * it includes this. Without that a linker that is told --as-needed leaves out a library of which
 * only weak names are used.
 *
 * The functions of malloc's own under a prefix, for programs that keep libc's malloc beside this
 * one, are not weak: such programs link with libmymalloc_prefixed.so. */

#ifndef MYMALLOC_MYMALLOC_H_
#define MYMALLOC_MYMALLOC_H_

#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#define MYMALLOC_NOTHROW noexcept
#else
#define MYMALLOC_NOTHROW
#endif

#ifdef MYMALLOC_LINKED
#define MYMALLOC_ASK
#else
#define MYMALLOC_ASK __attribute__((weak))
#endif

/* NOLINTBEGIN: the names below are C's, which has no `using` */

/* ---- Which version ----
 *
 * That of this header, and (mymalloc_version) of the library that the program runs with. A program
 * made for one version runs with each later one of the same MAJOR. */
#define MYMALLOC_VERSION_MAJOR 1
#define MYMALLOC_VERSION_MINOR 0
#define MYMALLOC_VERSION_PATCH 0
#define MYMALLOC_VERSION "1.0.0"
MYMALLOC_ASK const char* mymalloc_version(void) MYMALLOC_NOTHROW;

/* ---- What is this address? ---- */

enum mymalloc_kind {
  MYMALLOC_NOT_OURS, /* in nothing that this allocator knows of; all else in the answer is 0 */
  MYMALLOC_SMALL,    /* a block in one slot of a page */
  MYMALLOC_RUN,      /* a block in several slots of a page */
  MYMALLOC_LARGE,    /* a block that lies in no page */
  MYMALLOC_SAMPLED,  /* a block that lies alone between guards (option sample) */
  MYMALLOC_METADATA, /* the allocator's own, as a page's header: no block can be there */
  MYMALLOC_GUARD,    /* a place that cannot be touched */
  MYMALLOC_UNUSED,   /* memory of ours that is neither a block nor a page's now */
  MYMALLOC_BUSY      /* not to be told now: the map of all that was being changed */
};

enum mymalloc_state {
  MYMALLOC_NO_STATE, /* of what is no block */
  MYMALLOC_LIVE,
  MYMALLOC_FREE,        /* in its page, for whom it may concern */
  MYMALLOC_CACHED,      /* free, and held by a thread: the next one of its size that it hands out */
  MYMALLOC_QUARANTINED, /* free, and kept from use for a while (options quarantine, guard_pages) */
  MYMALLOC_NEVER_USED,  /* has never been handed out since its page was made */
  MYMALLOC_OVERWRITTEN  /* taken, but the word before it that says more was overwritten */
};

/* A size that nobody knows. */
#define MYMALLOC_UNKNOWN_SIZE ((size_t)-1)

struct mymalloc_info {
  enum mymalloc_kind kind;
  enum mymalloc_state state;
  void* base;           /* where the block begins; of what is no block, the range that it is in */
  size_t usable_size;   /* what malloc_usable_size says of it; of what is no block, its length */
  size_t asked_size;    /* what malloc was asked for, or MYMALLOC_UNKNOWN_SIZE: it is known of large
                         * and sampled blocks, and of all where the option check_ends is set */
  void* page;           /* the page that it lies in, or NULL */
  unsigned slot;        /* of that page: its first slot, */
  unsigned slots;       /* and how many it has */
  size_t slot_size;     /* of each, with the tag of 8 bytes */
  unsigned size_class;  /* the number of the page's class */
  unsigned heap;        /* the heap that owns the page: one thread's, from 1; 0: nobody's */
  const void* freed_at; /* of a free block: to where the call of free returned, or NULL. It is known
                         * of large blocks and runs that were freed lately, and of all blocks with
                         * the options that harden */
  uint64_t reserved[4];
};

/* What an address is: any address, into the middle of a block, freed, never allocated, of something
 * else. Returns 0; or -1 where that cannot be told at the moment (MYMALLOC_BUSY): another thread
 * has been changing the map of blocks all the while, or this one was interrupted in doing so.
 *
 * Takes no lock and makes no system call unless it has to wait for such a change; may be called in
 * a signal handler, of addresses whose memory other threads free or unmap meanwhile: the answer was
 * true at some moment during the call. As long as it takes to find a key in a tree of all pages and
 * large blocks; with many threads some more of a free block, to find who freed it. */
MYMALLOC_ASK int mymalloc_find(const void* address, struct mymalloc_info* info) MYMALLOC_NOTHROW;

enum mymalloc_range {
  MYMALLOC_INSIDE,         /* the bytes lie in one live block, in what it may use */
  MYMALLOC_OUTSIDE,        /* they begin in memory of ours, and are not all in one live block */
  MYMALLOC_RANGE_NOT_OURS, /* they begin in memory of which nothing is known: a stack, static data
                            */
  MYMALLOC_RANGE_BUSY      /* not to be told now: see mymalloc_find */
};

/* Whether `n` bytes from `pointer` on are all in one live block; where a size was asked for and is
 * known (asked_size), in that. As mymalloc_find. */
MYMALLOC_ASK enum mymalloc_range mymalloc_check_range(const void* pointer,
                                                      size_t n) MYMALLOC_NOTHROW;

/* ---- How much is it, and where? ----
 *
 * Counted when it is asked for, with every lock held, so that the figures belong together; in a
 * heap of a gigabyte of short blocks that takes some milliseconds. Not in a signal handler. Nothing
 * is allocated; what is printed goes to the file descriptor by write(2). */

struct mymalloc_statistics {
  size_t
      struct_size; /* sizeof(struct mymalloc_statistics), set by the caller: no more is written */
  /* Blocks that the program has, and their bytes: whole slots, or ranges of large blocks. */
  size_t live_blocks;
  size_t live_bytes;
  size_t large_blocks; /* of these, those that lie in no page */
  size_t large_bytes;
  /* What is free and was used, or may be resident: all of it, */
  size_t free_bytes;
  size_t magazine_bytes;   /* held by threads, at hand, */
  size_t spill_bytes;      /* put aside by threads, */
  size_t gathered_bytes;   /* freed for another thread's heap, and on the way there, */
  size_t quarantine_bytes; /* kept from use for a while, */
  size_t page_bytes;       /* in pages of which other blocks are taken, or that are kept, */
  size_t supply_bytes;     /* in ranges that are no page's now, and may be resident, */
  size_t held_large_bytes; /* of freed large blocks that are kept from use for a while */
  /* What of free_bytes has gone back to the kernel, and is only address space. */
  size_t given_back_bytes;
  size_t unused_bytes;   /* address space that was never used, or has gone back whole */
  size_t resident_bytes; /* what may be resident: live, free and not given back, metadata */
  size_t metadata_bytes; /* the allocator's own: page headers and edges, heaps, trees */
  size_t mapped_bytes;   /* address space that the kernel gave, of all kinds */
  size_t pages;
  size_t heaps;        /* one for each thread there ever was at once, and one shared */
  size_t parked_heaps; /* whose thread has ended; the next one takes it over */
  size_t soft_limit;   /* 0: none */
  size_t hard_limit;
  /* How often it happened so far. */
  uint64_t slow_allocations; /* a thread had none at hand, or a run of slots was wanted */
  uint64_t slow_frees;
  uint64_t new_pages;
  uint64_t map_calls; /* of the kernel's mmap, munmap, madvise(MADV_DONTNEED) */
  uint64_t unmap_calls;
  uint64_t purge_calls;
  uint64_t purged_bytes; /* by the latter two, resident or not */
};

/* Returns 0; or -1 where the system has no memory to count with. */
MYMALLOC_ASK int mymalloc_stats(struct mymalloc_statistics* stats) MYMALLOC_NOTHROW;

/* What the pages of one class of slots have: live blocks and free ones, used before. */
struct mymalloc_class_stats {
  size_t slot_size; /* with the tag of 8 bytes; of long blocks several make one */
  size_t pages;
  size_t live_blocks;
  size_t live_bytes;
  size_t held_bytes; /* free, held by threads */
  size_t free_bytes; /* free in their pages */
};

/* Fills in the classes from 0 up to `capacity`. Returns how many there are, or 0 where the system
 * has no memory to count with. */
MYMALLOC_ASK size_t mymalloc_stats_classes(struct mymalloc_class_stats* classes,
                                           size_t capacity) MYMALLOC_NOTHROW;

/* All of it, with each class and each heap, for people, as one JSON object, and as Prometheus reads
 * it. Returns 0; or -1 where the system has no memory to count with. */
MYMALLOC_ASK int mymalloc_stats_text(int fd) MYMALLOC_NOTHROW;
MYMALLOC_ASK int mymalloc_stats_json(int fd) MYMALLOC_NOTHROW;
MYMALLOC_ASK int mymalloc_stats_prometheus(int fd) MYMALLOC_NOTHROW;

/* What one thread allocates and frees, in bytes that malloc_usable_size says of the blocks. A
 * realloc counts as both, also where the block stays. */
struct mymalloc_thread_counts {
  uint64_t allocated;
  uint64_t deallocated; /* whichever thread the blocks were allocated by */
  int64_t peak;         /* the most that allocated was above deallocated; the program may set it to
                         * what that is now, to begin anew */
};

/* Counts the calling thread from its first such call on, when all are 0. Until then it costs
 * nothing, and never other threads; afterwards each call of malloc or free by this thread takes a
 * slower way. What it returns is where the counts are kept: for this thread to read, or for others
 * while it lives. Calls in a signal handler that interrupts another such call may go uncounted. */
MYMALLOC_ASK struct mymalloc_thread_counts* mymalloc_count_thread(void) MYMALLOC_NOTHROW;

/* ---- All blocks ---- */

typedef int (*mymalloc_walk_callback)(const struct mymalloc_info* block, void* argument);

/* Calls `callback` for every block in the order of addresses, then for large blocks that were freed
 * and are kept from use: live, free, cached, in quarantine, never used. (freed_at is NULL.) It ends
 * when the callback returns something else than 0.
 *
 * What it is told was true at one moment: with every lock held, the state of each slot is noted, in
 * 144 bytes for each page of up to 256, and 656 with the option check_ends; only what other threads
 * take from and put into their magazines just then may be noted as before or after. The callback
 * runs afterwards, with no lock held: it may do all that a program may, also allocate and free. Not
 * in a signal handler.
 *
 * Returns 0, or what the callback returned; or -1 where the system has no memory for the notes. */
MYMALLOC_ASK int mymalloc_walk(mymalloc_walk_callback callback, void* argument) MYMALLOC_NOTHROW;

/* The heap for people who want to see it: each page with its slots drawn, each large block, all
 * statistics. Returns 0, or -1 as above. */
MYMALLOC_ASK int mymalloc_print_heap(int fd) MYMALLOC_NOTHROW;
/* The same to stderr, for a debugger: `call print_mem_heap()`. */
MYMALLOC_ASK void print_mem_heap(void) MYMALLOC_NOTHROW;

/* ---- What can be done ---- */

/* Gives all free memory back that can be, as malloc_trim(0). Returns whether it was any. */
MYMALLOC_ASK int mymalloc_purge(void) MYMALLOC_NOTHROW;

/* How much the heap may have, live and free together; 0: no limit. Above the soft limit hardly any
 * free memory is kept. What would go beyond the hard one is refused: malloc returns NULL, and errno
 * is ENOMEM. To within what threads have not told yet, at most 4 MiB each, and what is left of
 * pages that are there. The options soft_limit and hard_limit set them at the start, also in
 * hundredths of what the process may have. */
MYMALLOC_ASK void mymalloc_set_soft_limit(size_t bytes) MYMALLOC_NOTHROW;
MYMALLOC_ASK void mymalloc_set_hard_limit(size_t bytes) MYMALLOC_NOTHROW;

/* Looks at every page, block and list of the heap. Returns NULL, or what is wrong with it in words.
 * No other thread may allocate or free meanwhile. */
MYMALLOC_ASK const char* mymalloc_verify(void) MYMALLOC_NOTHROW;

/* Whether to copy this live block to a new one, and to free it, would help its page to become free:
 * 1 where at least three quarters of the page's slots are free, and it is not the page that new
 * blocks come from now; of runs, large and other blocks 0. For programs that move their blocks
 * (active defragmentation). A glance, without a lock. */
MYMALLOC_ASK int mymalloc_should_move(const void* pointer) MYMALLOC_NOTHROW;

/* ---- Misuse ---- */

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

/* A misuse of the heap. All of it is valid only while the callback runs. */
struct mymalloc_misuse {
  const char* what;    /* the kind in words: "double free", "out of bounds" */
  const char* called;  /* the function: "free"; or "a later call", "giving memory back" found it */
  void* address;       /* what that was given */
  void* block;         /* where the block begins that this lies in or near; NULL if in none */
  size_t usable_size;  /* of that block */
  const char* message; /* the report as it is written to stderr, terminated */
  size_t message_size;
  enum mymalloc_misuse_kind kind;
};

typedef void (*mymalloc_misuse_callback)(const struct mymalloc_misuse* misuse, void* argument);

/* Has `callback` called on each misuse, on the thread that makes it: after the report was written
 * and before the program is aborted, or goes on (option on_error; with `ignore` it is called too,
 * and nothing is written). There is one callback; NULL removes it.
 *
 * The allocator may hold locks meanwhile: the callback may do what a signal handler may, so it must
 * not allocate or free, and it must return or end the process. A misuse that it makes itself is
 * reported, but not to it. What the allocator finds while it gives memory back is told on the
 * thread whose call gave it back. */
MYMALLOC_ASK void mymalloc_on_misuse(mymalloc_misuse_callback callback,
                                     void* argument) MYMALLOC_NOTHROW;

/* ---- malloc's own functions, with a prefix ----
 *
 * Semantics are those of the functions without it. */
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

/* NOLINTEND */

#undef MYMALLOC_ASK
#undef MYMALLOC_NOTHROW
#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MYMALLOC_MYMALLOC_H_ */
