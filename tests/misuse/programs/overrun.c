/* Writes one byte beyond what was asked for, where the block has room for it. */

#include "tests/misuse/programs/case.h"

static void FreeOverrun(void* block, size_t size, int byte) {
  char* p = Block(block);
  memset(p, 'x', size);
  p[size] = (char)byte;
  free(Give(p));
}

CASE(smallest) { FreeOverrun(malloc(1), 1, 'y'); }
CASE(nothing_asked_for) { FreeOverrun(malloc(0), 0, 'y'); }
CASE(small) { FreeOverrun(malloc(20), 20, 'y'); }
CASE(small_by_nul) { FreeOverrun(malloc(20), 20, '\0'); }
CASE(small_by_newline) { FreeOverrun(malloc(150), 150, '\n'); }
CASE(small_by_ones) { FreeOverrun(malloc(20), 20, 0xff); }
CASE(medium) { FreeOverrun(malloc(kMedium), kMedium, 'y'); }
CASE(medium_by_nul) { FreeOverrun(malloc(kMedium), kMedium, '\0'); }
CASE(over_32_kib) { FreeOverrun(malloc(40000), 40000, 'y'); }
CASE(large) { FreeOverrun(malloc(kLarge), kLarge, 'y'); }
CASE(large_by_nul) { FreeOverrun(malloc(kLarge), kLarge, '\0'); }
CASE(huge) { FreeOverrun(malloc(kHuge), kHuge, 'y'); }
CASE(cleared) { FreeOverrun(calloc(1, 100), 100, '\0' + 1); }
CASE(aligned) { FreeOverrun(aligned_alloc(64, 192), 192, 'y'); }
CASE(page_aligned) { FreeOverrun(memalign(4096, 100), 100, 'y'); }
CASE(grown) { FreeOverrun(realloc(malloc(10), 100), 100, 'y'); }
CASE(grown_where_it_is) { FreeOverrun(realloc(malloc(97), 100), 100, 'y'); }
CASE(shrunk_where_it_is) { FreeOverrun(realloc(malloc(100), 98), 98, 'y'); }
CASE(large_shrunk) { FreeOverrun(realloc(malloc(kLarge), kLarge - 100), kLarge - 100, 'y'); }
CASE(large_grown) { FreeOverrun(realloc(malloc(kLarge), 2 * kLarge + 1), 2 * kLarge + 1, 'y'); }
CASE(far_behind) {
  char* p = Block(malloc(kMedium));
  p[kMedium + 100] = 'y';
  free(Give(p));
}
CASE(by_a_word) {
  char* p = Block(malloc(50));
  memcpy(p + 50, "hello", 5);
  free(Give(p));
}
CASE(by_much) {
  char* p = Block(malloc(kMedium));
  memset(p + kMedium, 'z', 100);
  free(Give(p));
}
CASE(at_realloc) {
  char* p = Block(malloc(100));
  p[100] = 'y';
  REQUIRE(realloc(Give(p), 1000) != NULL);
}
CASE(at_realloc_where_it_is) {
  char* p = Block(malloc(98));
  p[98] = 'y';
  REQUIRE(realloc(Give(p), 100) != NULL);
}
CASE(large_at_realloc) {
  char* p = Block(malloc(kLarge));
  p[kLarge] = 'y';
  REQUIRE(realloc(Give(p), 2 * kLarge) != NULL);
}

static void FreeGiven(void* p) { free(Give(p)); }
CASE(on_another_thread) {
  char* p = Block(malloc(100));
  p[100] = 'y';
  OnAnotherThread(FreeGiven, p);
}

/* Never freed. */
static void EndOverrun(size_t size) {
  char* p = Give(Block(malloc(size)));
  p[size] = 'y';
  exit(0);
}
CASE(small_at_exit) { EndOverrun(100); }
CASE(medium_at_exit) { EndOverrun(kMedium); }
CASE(large_at_exit) { EndOverrun(kLarge); }
static void Allocate(void* p) { *(char**)p = (char*)malloc(100); }
CASE(of_a_thread_that_ended_at_exit) {
  char* p = NULL;
  OnAnotherThread(Allocate, &p);
  Give(Block(p))[100] = 'y';
  exit(0);
}
