/* Blocks that are used after they were freed; large ones also past their ends. */

#include "tests/misuse/programs/case.h"

static void WriteAfterFree(size_t size, size_t offset) {
  char* p = Block(malloc(size));
  free(p);
  Spoil(p + offset, 1);
  Give(p + offset); /* what the report will point to; some later free finds it */
  Churn(size);
}

CASE(small_first_byte) { WriteAfterFree(kSmall, 0); }
CASE(small_second_word) { WriteAfterFree(kSmall, 8); }
CASE(small_last_byte) { WriteAfterFree(kSmall, kSmall - 1); }
CASE(medium_first_byte) { WriteAfterFree(kMedium, 0); }
CASE(medium_last_byte) { WriteAfterFree(kMedium, kMedium - 1); }
/* In the hardened mode they have mappings of their own, which stay readable for a while. */
enum { kUnderAMebibyte = 100 * 1024 };
CASE(large_first_byte) { WriteAfterFree(kUnderAMebibyte, 0); }
CASE(large_last_byte) { WriteAfterFree(kUnderAMebibyte, kUnderAMebibyte - 1); }
CASE(mebibyte_last_byte) { WriteAfterFree(1 << 20, (1 << 20) - 1); }

/* Nobody comes upon it before the process ends. */
static void WriteAfterLastFree(size_t size, size_t offset) {
  char* p = Block(malloc(size));
  free(p);
  Spoil(p + offset, 1);
  Give(p + offset);
  exit(0);
}
CASE(small_at_exit) { WriteAfterLastFree(kSmall, 3); }
CASE(medium_at_exit) { WriteAfterLastFree(kMedium, kMedium - 1); }
CASE(large_at_exit) { WriteAfterLastFree(kUnderAMebibyte, 50000); }

static void FreeIt(void* p) { free(p); }
static void ChurnThere(void* p) {
  Give(p);
  Churn(kSmall);
}
CASE(small_freed_on_another_thread) {
  char* p = Block(malloc(kSmall));
  OnAnotherThread(FreeIt, p);
  /* That thread is no more; the next one takes over what it kept. */
  Spoil(p, 1);
  OnAnotherThread(ChurnThere, p);
}

/* An attacker's address, where other allocators keep the next free block's. */
static void WriteAddresses(size_t size) {
  enum { kBlocks = 200 };
  static uintptr_t target[8];
  char* blocks[kBlocks];
  for (int i = 0; i < kBlocks; ++i) blocks[i] = (char*)malloc(size);
  for (int i = 0; i < kBlocks; ++i) free(blocks[i]);
  for (int i = 0; i < kBlocks; ++i) {
    for (size_t at = 0; at + 8 <= size; at += 8) {
      const uintptr_t address = (uintptr_t)target;
      memcpy(blocks[i] + at, &address, sizeof(address));
    }
  }
  for (int i = 0; i < 4 * kBlocks; ++i) {
    const uintptr_t p = (uintptr_t)malloc(size);
    REQUIRE(p < (uintptr_t)target || p >= (uintptr_t)(target + 8));
    memset((void*)p, 0, size);
    if (i % 2 == 0) free((void*)p);
  }
}
CASE(small_never_makes_malloc_return_an_address) { WriteAddresses(kSmall); }
CASE(medium_never_makes_malloc_return_an_address) { WriteAddresses(kMedium); }

static volatile char g_sink;

enum { kOverAMebibyte = 2 << 20 };
CASE(large_read) {
  char* p = Block(malloc(kOverAMebibyte));
  free(p);
  g_sink = *(volatile char*)Give(p);
}
CASE(large_write) {
  char* p = Block(malloc(kOverAMebibyte));
  free(p);
  *Give(p + kOverAMebibyte / 2) = 1;
}
CASE(huge_write) {
  char* p = Block(malloc(kHuge));
  free(p);
  *Give(p + kHuge - 1) = 1;
}
/* Behind its last kernel page. */
static char* PastPage(char* p) {
  return (char*)(((uintptr_t)p + malloc_usable_size(p) + 4095) & ~(uintptr_t)4095);
}
CASE(large_past_its_end) {
  char* p = Block(malloc(kLarge));
  *Give(PastPage(p)) = 1;
}
CASE(large_read_past_its_end) {
  char* p = Block(malloc(kLarge));
  g_sink = *(volatile char*)Give(PastPage(p));
}
CASE(huge_past_its_end) {
  char* p = Block(malloc(kHuge));
  *Give(PastPage(p)) = 1;
}
CASE(large_before_its_start) {
  char* p = Block(malloc(kLarge));
  *Give(p - 4096) = 1;
}
CASE(past_a_run_of_blocks) {
  char* p = (char*)malloc(kMedium);
  /* There are others behind the run of 256 blocks that this one begins. */
  for (int i = 0; i < 600; ++i) REQUIRE(malloc(kMedium) != NULL);
  for (int i = 0; i < 330; ++i) *Give(p + i * 4096) = 1;
}
CASE(small_is_overwritten) {
  char* p = (char*)malloc(kSmall);
  memset(p, 'x', kSmall);
  free(p);
  // The first word may say from where it was freed, veiled: any byte may be in it, but not these.
  REQUIRE(memcmp(p, "xxxxxxxx", 8) != 0);
  for (size_t i = 8; i < kSmall; ++i) REQUIRE(p[i] != 'x');
}
CASE(small_is_not_reused_at_once) {
  char* p = (char*)malloc(kSmall);
  free(p);
  for (int i = 0; i < 100; ++i) REQUIRE((char*)malloc(kSmall) != p);
}
CASE(medium_is_not_reused_at_once) {
  char* p = (char*)malloc(kMedium);
  free(p);
  for (int i = 0; i < 100; ++i) REQUIRE((char*)malloc(kMedium) != p);
}
CASE(order_is_random) {
  char* before = (char*)malloc(kSmall);
  int in_order = 0;
  for (int i = 0; i < 1000; ++i) {
    char* p = (char*)malloc(kSmall);
    in_order += p > before;
    before = p;
  }
  REQUIRE(in_order < 750);
}
