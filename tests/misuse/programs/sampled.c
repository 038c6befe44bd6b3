/* Faults around a block that has an OS page of its own. */

#include <signal.h>

#include "tests/misuse/programs/case.h"

enum { kPage = 4096, kSize = 96 };

static char* AtStart(void) {
  for (;;) {
    char* p = (char*)malloc(kSize);
    if ((uintptr_t)p % kPage == 16) return Block(p);
  }
}
static char* AtEnd(void) {
  for (;;) {
    char* p = (char*)malloc(kSize);
    if ((uintptr_t)(p + kSize) % kPage == 0) return Block(p);
  }
}

static volatile char g_sink;

CASE(write_past_the_end) { *Give(AtEnd() + kSize) = 1; }
CASE(read_past_the_end) { g_sink = *(volatile char*)Give(AtEnd() + kSize); }
CASE(write_before_the_start) { *Give(AtStart() - 17) = 1; }
CASE(write_after_free) {
  char* p = AtEnd();
  free(p);
  *Give(p + 8) = 1;
}
CASE(read_after_free) {
  char* p = AtStart();
  free(p);
  g_sink = *(volatile char*)Give(p);
}
CASE(read_after_realloc) {
  char* p = AtStart();
  REQUIRE(realloc(p, 10 * kSize) != NULL);
  g_sink = *(volatile char*)Give(p);
}
CASE(overrun_found_at_free) {
  char* p = AtStart();
  p[kSize] = 1;
  free(Give(p));
}
CASE(underrun_found_at_free) {
  char* p = AtEnd();
  p[-1] = 1;
  free(Give(p));
}
/* Who is told of a misuse may use the heap. */
static void AllocateInHandler(int number) {
  (void)number;
  for (int i = 0; i < 1000; ++i) free(malloc(kSize));
}
CASE(overrun_with_an_abort_handler_that_allocates) {
  signal(SIGABRT, AllocateInHandler);
  char* p = AtStart();
  p[kSize] = 1;
  free(Give(p));
}
CASE(realloc_with_an_abort_handler_that_allocates) {
  signal(SIGABRT, AllocateInHandler);
  REQUIRE(realloc(Give(Block(malloc(kSize)) + 16), 1000) == NULL);
}
CASE(free_twice) {
  char* p = Block(malloc(kSize));
  free(p);
  free(Give(p));
}
CASE(free_inside) { free(Give(Block(malloc(kSize)) + 16)); }
CASE(realloc_after_free) {
  char* p = Block(malloc(kSize));
  free(p);
  REQUIRE(realloc(Give(p), 1000) == NULL);
}
CASE(right_use) {
  for (int i = 0; i < 10000; ++i) {
    char* p = (char*)malloc(kSize);
    memset(p, 'x', malloc_usable_size(p));
    p = (char*)realloc(p, 2 * kSize);
    REQUIRE(p[0] == 'x' && p[kSize - 1] == 'x');
    free(p);
  }
}
