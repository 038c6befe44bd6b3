/* Blocks that are freed twice. */

#include "tests/misuse/programs/case.h"

static void FreeTwice(void* block) {
  char* p = Block(block);
  free(p);
  free(Give(p));
}

CASE(smallest_at_once) { FreeTwice(malloc(1)); }
CASE(small_at_once) { FreeTwice(malloc(kSmall)); }
CASE(medium_at_once) { FreeTwice(malloc(kMedium)); }
CASE(largest_medium_at_once) { FreeTwice(malloc(32 * 1024)); }
CASE(large_at_once) { FreeTwice(malloc(kLarge)); }
CASE(huge_at_once) { FreeTwice(malloc(kHuge)); }
CASE(cleared) { FreeTwice(calloc(10, 10)); }
CASE(cleared_large) { FreeTwice(calloc(10, kLarge)); }
CASE(aligned_64) { FreeTwice(aligned_alloc(64, 256)); }
CASE(aligned_4096) { FreeTwice(memalign(4096, 100)); }
CASE(aligned_megabyte) { FreeTwice(memalign(1 << 20, kLarge)); }
CASE(posix_aligned) {
  void* p = NULL;
  REQUIRE(posix_memalign(&p, 32, 500) == 0);
  FreeTwice(p);
}
CASE(page_aligned) { FreeTwice(valloc(3000)); }
CASE(duplicated_string) { FreeTwice(strdup("a string of forty bytes and a few more")); }

static void FreeTwiceAfterOthers(size_t size) {
  char* others[100];
  for (int i = 0; i < 100; ++i) others[i] = (char*)malloc(size);
  char* p = Block(malloc(size));
  free(p);
  /* They go on top of it in the cache, and come from there again. */
  for (int i = 0; i < 10; ++i) free(others[i]);
  for (int i = 0; i < 10; ++i) others[i] = (char*)malloc(size);
  for (int i = 0; i < 50; ++i) REQUIRE(malloc(3 * size) != NULL);
  free(Give(p));
}

CASE(small_after_others) { FreeTwiceAfterOthers(kSmall); }
CASE(medium_after_others) { FreeTwiceAfterOthers(kMedium); }

/* Not among the first, whose pages are kept. */
static void FreeTwiceAmongMany(size_t size, int count) {
  static void* blocks[20000];
  for (int i = 0; i < count; ++i) blocks[i] = malloc(size);
  char* p = Block(blocks[count / 4 * 3]);
  for (int i = 0; i < count; ++i) free(blocks[i]);
  free(Give(p));
}

CASE(small_after_many_frees) { FreeTwiceAmongMany(kSmall, 20000); }
CASE(medium_after_many_frees) { FreeTwiceAmongMany(kMedium, 150); }
CASE(medium_in_a_page_that_went) { FreeTwiceAmongMany(kMedium, 1000); }
CASE(large_after_too_many_frees) {
  void* p = malloc(kLarge);
  static void* others[200];
  for (int i = 0; i < 200; ++i) others[i] = malloc(kLarge);
  free(p);
  for (int i = 0; i < 200; ++i) free(others[i]);
  free(Give(p));
}
CASE(large_after_many_frees) { FreeTwiceAmongMany(kLarge, 10); }

/* The memory under it is no longer there. */
static void FreeTwiceTrimmed(size_t size, int count) {
  static void* blocks[20000];
  for (int i = 0; i < count; ++i) blocks[i] = malloc(size);
  char* p = Block(blocks[count / 2]);
  for (int i = 0; i < count; ++i) free(blocks[i]);
  malloc_trim(0);
  free(Give(p));
}

CASE(small_after_trim) { FreeTwiceTrimmed(200, 20000); }
CASE(medium_after_trim) { FreeTwiceTrimmed(kMedium, 2000); }
CASE(large_after_trim) { FreeTwiceTrimmed(kLarge, 10); }

/* Most of the page is free, and its memory given back; one block keeps it. What was asked for is
 * what they have: where a tag is gone nobody knows. */
CASE(small_in_a_purged_page) {
  static void* blocks[256];
  for (int i = 0; i < 256; ++i) blocks[i] = malloc(1032);
  char* p = Block(blocks[128]);
  for (int i = 1; i < 256; ++i) free(blocks[i]);
  malloc_trim(0);
  free(Give(p));
}

static void FreeIt(void* p) { free(p); }
static void FreeItAgain(void* p) { free(Give(p)); }

static void FreeHereThenThere(size_t size) {
  char* p = Block(malloc(size));
  free(p);
  OnAnotherThread(FreeItAgain, p);
}

CASE(small_again_on_another_thread) { FreeHereThenThere(kSmall); }
CASE(medium_again_on_another_thread) { FreeHereThenThere(kMedium); }
CASE(large_again_on_another_thread) { FreeHereThenThere(kLarge); }

static void FreeThereThenHere(size_t size) {
  char* p = Block(malloc(size));
  OnAnotherThread(FreeIt, p);
  free(Give(p));
}

CASE(small_by_its_owner_after_another) { FreeThereThenHere(kSmall); }
CASE(medium_by_its_owner_after_another) { FreeThereThenHere(kMedium); }
CASE(large_by_its_owner_after_another) { FreeThereThenHere(kLarge); }

CASE(small_by_two_other_threads) {
  char* p = Block(malloc(kSmall));
  OnAnotherThread(FreeIt, p);
  OnAnotherThread(FreeItAgain, p);
}

static void FreeItTwice(void* p) {
  free(p);
  free(Give(p));
}

CASE(small_twice_on_another_thread) { OnAnotherThread(FreeItTwice, Block(malloc(kSmall))); }
CASE(medium_twice_on_another_thread) { OnAnotherThread(FreeItTwice, Block(malloc(kMedium))); }

/* The owner frees it while the other thread still has it on its way home. */
static void* g_shared;
static void FreeItAndWait(void* p) {
  free(p);
  OnAnotherThread(FreeItAgain, p);
}
CASE(small_on_its_way_home) {
  g_shared = Block(malloc(kSmall));
  OnAnotherThread(FreeItAndWait, g_shared);
}

static void MakeIt(void* size) { g_shared = Block(malloc(*(size_t*)size)); }
CASE(small_of_a_thread_that_ended) {
  size_t size = kSmall;
  OnAnotherThread(MakeIt, &size);
  FreeItTwice(g_shared);
}

/* By the old pointer, after realloc has moved the block. */
static void FreeAfterMove(size_t size, size_t more) {
  char* p = Block(malloc(size));
  /* It would stay if what lies behind it were free. */
  for (int i = 0; i < 600; ++i) REQUIRE(malloc(size) != NULL);
  char* moved = (char*)realloc(p, more);
  REQUIRE(moved != NULL && moved != p);
  free(Give(p));
}

CASE(small_after_realloc) { FreeAfterMove(kSmall, 1000); }
CASE(medium_after_realloc) { FreeAfterMove(kMedium, 20000); }
CASE(medium_after_realloc_to_large) { FreeAfterMove(kMedium, kLarge); }
CASE(large_after_realloc_to_small) { FreeAfterMove(kLarge, kSmall); }

CASE(after_realloc_to_nothing) {
  char* p = Block(malloc(kSmall));
  REQUIRE(realloc(p, 0) == NULL);
  free(Give(p));
}
CASE(by_realloc_to_nothing) {
  char* p = Block(malloc(kSmall));
  free(p);
  REQUIRE(realloc(Give(p), 0) == NULL);
}
