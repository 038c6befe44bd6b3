/* Writes past the end of a block, or before its start. */

#include "tests/misuse/programs/case.h"

static char* End(char* p) { return p + malloc_usable_size(p); }

/* All that a block like kMedium has: where a tag is broken, nobody knows what was asked for. */
enum { kWholeMedium = 5128 };

/* Found when the block behind is freed, or the block itself. */
static void Overrun(size_t size, size_t bytes, int free_itself) {
  struct Neighbours n = AllocateNeighbours(size);
  if (free_itself) {
    Block(n.first);
    Spoil(End(n.first), bytes);
    free(Give(n.first));
    return;
  }
  Culprit(n.first);
  Block(n.second);
  Spoil(n.second - 8, bytes);
  free(Give(n.second));
}

CASE(small_1_byte_found_behind) { Overrun(kSmall, 1, 0); }
CASE(small_2_bytes_found_behind) { Overrun(kSmall, 2, 0); }
CASE(small_3_bytes_found_behind) { Overrun(kSmall, 3, 0); }
CASE(small_8_bytes_found_behind) { Overrun(kSmall, 8, 0); }
CASE(small_100_bytes_found_behind) { Overrun(200, 100, 0); }
CASE(medium_1_byte_found_behind) { Overrun(kWholeMedium, 1, 0); }
CASE(medium_8_bytes_found_behind) { Overrun(kWholeMedium, 8, 0); }
CASE(medium_100_bytes_found_behind) { Overrun(kWholeMedium, 100, 0); }
CASE(small_1_byte) { Overrun(kSmall, 1, 1); }
CASE(small_8_bytes) { Overrun(kSmall, 8, 1); }
CASE(small_100_bytes) { Overrun(200, 100, 1); }
CASE(medium_1_byte) { Overrun(kMedium, 1, 1); }
CASE(medium_8_bytes) { Overrun(kMedium, 8, 1); }
CASE(medium_100_bytes) { Overrun(kMedium, 100, 1); }

/* The end of a string that has no room for it. */
static void Terminate(size_t size) {
  struct Neighbours n = AllocateNeighbours(size);
  char* p = Block(n.first);
  *End(p) = '\0';
  free(Give(p));
}
CASE(nul_behind_smallest) { Terminate(8); }
CASE(nul_behind_small) { Terminate(kSmall); }
CASE(nul_behind_medium) { Terminate(kMedium); }
CASE(string_copied) {
  struct Neighbours n = AllocateNeighbours(40);
  char* p = Block(n.first);
  strcpy(p, "forty bytes and no room for the last one");
  free(Give(p));
}
CASE(zeros_found_behind) {
  struct Neighbours n = AllocateNeighbours(kSmall);
  Culprit(n.first);
  char* p = Block(n.second);
  memset(n.first, 0, malloc_usable_size(n.first) + 8);
  free(Give(p));
}

CASE(small_at_realloc) {
  struct Neighbours n = AllocateNeighbours(kSmall);
  char* p = Block(n.first);
  Spoil(End(p), 1);
  REQUIRE(realloc(Give(p), 1000) != NULL);
}
CASE(small_found_behind_at_realloc) {
  struct Neighbours n = AllocateNeighbours(kSmall);
  Culprit(n.first);
  char* p = Block(n.second);
  Spoil(p - 8, 1);
  REQUIRE(realloc(Give(p), 1000) == NULL);
}
CASE(medium_found_behind_at_realloc) {
  struct Neighbours n = AllocateNeighbours(kWholeMedium);
  Culprit(n.first);
  char* p = Block(n.second);
  Spoil(p - 8, 1);
  REQUIRE(realloc(Give(p), 20000) == NULL);
}
CASE(found_behind_at_usable_size) {
  struct Neighbours n = AllocateNeighbours(kSmall);
  Culprit(n.first);
  char* p = Block(n.second);
  Spoil(p - 8, 1);
  REQUIRE(malloc_usable_size(Give(p)) == 0);
}

static void Underrun(size_t size, size_t bytes) {
  struct Neighbours n = AllocateNeighbours(size);
  Culprit(n.first);
  char* p = Block(n.second);
  Spoil(p - bytes, bytes);
  free(Give(p));
}
CASE(small_underrun_1_byte) { Underrun(kSmall, 1); }
CASE(small_underrun_4_bytes) { Underrun(kSmall, 4); }
CASE(small_underrun_8_bytes) { Underrun(kSmall, 8); }
CASE(medium_underrun_1_byte) { Underrun(kWholeMedium, 1); }
CASE(medium_underrun_8_bytes) { Underrun(kWholeMedium, 8); }

static void UnderrunLarge(size_t bytes) {
  char* p = Block(malloc(kLarge));
  Spoil(p - bytes, bytes);
  free(Give(p));
}
CASE(large_underrun_1_byte) { UnderrunLarge(1); }
CASE(large_underrun_8_bytes) { UnderrunLarge(8); }
CASE(large_underrun_at_realloc) {
  char* p = Block(malloc(kLarge));
  Spoil(p - 8, 8);
  REQUIRE(realloc(Give(p), 2 * kLarge) == NULL);
}

static void OverrunLarge(size_t size) {
  char* p = Block(malloc(size));
  Spoil(End(p), 1);
  free(Give(p));
}
CASE(large_1_byte) { OverrunLarge(kLarge); }
CASE(large_aligned_1_byte) {
  char* p = Block(memalign(1 << 20, kLarge));
  Spoil(End(p), 1);
  free(Give(p));
}
CASE(huge_1_byte) { OverrunLarge(kHuge); }
CASE(large_at_realloc) {
  char* p = Block(malloc(kLarge));
  Spoil(End(p), 1);
  REQUIRE(realloc(Give(p), 2 * kLarge) != NULL);
}

static void FreeIt(void* p) { free(p); }
static void FreeGiven(void* p) { free(Give(p)); }
CASE(small_found_on_another_thread) {
  struct Neighbours n = AllocateNeighbours(kSmall);
  char* p = Block(n.first);
  Spoil(End(p), 1);
  OnAnotherThread(FreeGiven, p);
}
CASE(small_found_behind_on_another_thread) {
  struct Neighbours n = AllocateNeighbours(kSmall);
  Culprit(n.first);
  char* p = Block(n.second);
  Spoil(p - 8, 1);
  OnAnotherThread(FreeGiven, p);
}

/* The block behind is free: nobody will give it back. */
static void OverrunIntoFree(size_t size) {
  struct Neighbours n = AllocateNeighbours(size);
  char* p = Block(n.first);
  char* end = End(p);
  free(n.second);
  Spoil(end, 1);
  free(Give(p));
}
CASE(small_into_a_free_block) { OverrunIntoFree(kSmall); }
CASE(medium_into_a_free_block) { OverrunIntoFree(kMedium); }
CASE(small_into_a_block_freed_elsewhere) {
  struct Neighbours n = AllocateNeighbours(kSmall);
  char* p = Block(n.first);
  OnAnotherThread(FreeIt, n.second);
  Spoil(End(p), 1);
  free(Give(p));
}

/* Into a slot that is free, and taken later: there the overwritten tag would be written anew. */
static struct Neighbours FreeSecond(void) {
  const struct Neighbours n = AllocateNeighbours(kSmall);
  BlockOf(n.second, kSmall);
  free(n.second);
  Churn(kSmall);
  malloc_trim(0);
  return n;
}
CASE(small_into_a_free_slot) {
  const struct Neighbours n = FreeSecond();
  Spoil(n.second - 8, 1);
  Give(n.second);
  Churn(kSmall);
}
CASE(zeros_into_a_free_slot) {
  const struct Neighbours n = FreeSecond();
  memset(n.first, 0, kSmall + 8);
  Give(n.second);
  Churn(kSmall);
}

/* Found at the free of the block after the next, whose neighbour's tag it was. */
CASE(found_two_behind) {
  struct Neighbours n = AllocateNeighbours(kSmall);
  Culprit(n.first);
  Block(n.second);
  Spoil(n.second - 8, 1);
  free(Give(n.third));
}

CASE(small_never_freed) {
  struct Neighbours n = AllocateNeighbours(kSmall);
  Give(Block(n.first));
  Spoil(n.second - 8, 1);
  exit(0);
}

/* Tags that were genuine elsewhere. */
CASE(tag_of_another_block) {
  struct Neighbours n = AllocateNeighbours(kSmall);
  Culprit(n.first);
  char* p = Block(n.second);
  memcpy(p - 8, n.third - 8, 8);
  free(Give(p));
}
CASE(tag_copied_inside) {
  char* p = Block(malloc(1000));
  memcpy(p + 64 - 8, p - 8, 8);
  free(Give(p + 64));
}
CASE(tag_copied_into_large) {
  char* small = (char*)malloc(kSmall);
  char* p = Block(malloc(kLarge));
  memcpy(p + 64 - 8, small - 8, 8);
  free(Give(p + 64));
}
CASE(tag_of_large_copied_inside) {
  char* p = Block(malloc(kLarge));
  memcpy(p + 64 - 8, p - 8, 8);
  free(Give(p + 64));
}
CASE(tag_copied_to_the_stack) {
  _Alignas(16) char bytes[64] = "x";
  memcpy(bytes + 8, (char*)malloc(kSmall) - 8, 8);
  free(Give(bytes + 16));
}
