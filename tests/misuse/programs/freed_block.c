/* Other calls than free that are given a block that is free. */

#include "tests/misuse/programs/case.h"

static void* Freed(size_t size) {
  char* p = Block(malloc(size));
  free(p);
  return Give(p);
}

CASE(realloc_small) { REQUIRE(realloc(Freed(kSmall), 100) == NULL); }
CASE(realloc_small_in_place) { REQUIRE(realloc(Freed(kSmall), kSmall) == NULL); }
CASE(realloc_medium) { REQUIRE(realloc(Freed(kMedium), 2 * kMedium) == NULL); }
CASE(realloc_large) { REQUIRE(realloc(Freed(kLarge), 2 * kLarge) == NULL); }
CASE(realloc_huge) { REQUIRE(realloc(Freed(kHuge), kSmall) == NULL); }
CASE(reallocarray_small) { REQUIRE(reallocarray(Freed(kSmall), 10, 10) == NULL); }
CASE(reallocarray_medium) { REQUIRE(reallocarray(Freed(kMedium), 10, 1000) == NULL); }
CASE(reallocarray_large) { REQUIRE(reallocarray(Freed(kLarge), 10, kLarge) == NULL); }
CASE(usable_size_small) { REQUIRE(malloc_usable_size(Freed(kSmall)) == 0); }
CASE(usable_size_medium) { REQUIRE(malloc_usable_size(Freed(kMedium)) == 0); }
CASE(usable_size_large) { REQUIRE(malloc_usable_size(Freed(kLarge)) == 0); }

static void ReallocIt(void* p) { REQUIRE(realloc(Give(p), 1000) == NULL); }
CASE(realloc_on_another_thread) {
  char* p = Block(malloc(kSmall));
  free(p);
  OnAnotherThread(ReallocIt, p);
}

static void FreeIt(void* p) { free(p); }
CASE(realloc_after_another_thread) {
  char* p = Block(malloc(kSmall));
  OnAnotherThread(FreeIt, p);
  ReallocIt(p);
}
CASE(realloc_after_many_frees) {
  static void* blocks[20000];
  for (int i = 0; i < 20000; ++i) blocks[i] = malloc(kSmall);
  char* p = Block(blocks[10000]);
  for (int i = 0; i < 20000; ++i) free(blocks[i]);
  REQUIRE(realloc(Give(p), 1000) == NULL);
}
CASE(realloc_by_the_old_pointer) {
  char* p = Block(malloc(kSmall));
  char* obstacle = (char*)malloc(kSmall);
  REQUIRE(realloc(p, 1000) != NULL && obstacle != NULL);
  REQUIRE(realloc(Give(p), 2000) == NULL);
}
