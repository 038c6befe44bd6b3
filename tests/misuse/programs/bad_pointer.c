/* Pointers that malloc never returned. */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/misuse/programs/case.h"

static char* Usable(char* p) { return p + malloc_usable_size(p); }

#define INSIDE(name, size, offset) \
  CASE(name) { free(Give(Block(malloc(size)) + (offset))); }

INSIDE(small_plus_1, kSmall, 1)
INSIDE(small_plus_8, kSmall, 8)
INSIDE(small_plus_16, kSmall, 16)
INSIDE(small_middle, 1000, 504)
INSIDE(medium_plus_1, kMedium, 1)
INSIDE(medium_plus_8, kMedium, 8)
INSIDE(medium_plus_16, kMedium, 16)
INSIDE(medium_middle, kMedium, kMedium / 2)
INSIDE(medium_page, 20000, 4096)
INSIDE(large_plus_1, kLarge, 1)
INSIDE(large_plus_8, kLarge, 8)
INSIDE(large_plus_16, kLarge, 16)
INSIDE(large_middle, kLarge, kLarge / 2)
INSIDE(large_page, kLarge, 4096)
INSIDE(huge_middle, kHuge, kHuge / 2)

static void FreeLastByte(size_t size) {
  char* p = Block(malloc(size));
  free(Give(Usable(p) - 1));
}
CASE(small_last_byte) { FreeLastByte(kSmall); }
CASE(medium_last_byte) { FreeLastByte(kMedium); }
CASE(large_last_byte) { FreeLastByte(kLarge); }

static void FreeEnd(size_t size) {
  char* p = Block(malloc(size));
  free(Give(Usable(p)));
}
CASE(small_end) { FreeEnd(kSmall); }
CASE(medium_end) { FreeEnd(kMedium); }
/* A large block; its neighbour behind it is *behind. */
static int LieSideBySide(char* p, char* behind) {
  return Usable(p) > behind - 4 * 4096 && Usable(p) < behind;
}
static char* LargeBefore(char** behind) {
  char* last = (char*)malloc(kLarge);
  for (int i = 0; i < 1000; ++i) {
    char* p = (char*)malloc(kLarge);
    char* first = p < last ? p : last;
    *behind = p < last ? last : p;
    if (LieSideBySide(first, *behind)) return first;
    last = p;
  }
  Require(0, "no two large blocks side by side");
  return NULL;
}
/* Where the mapping of the next block begins, unless there is a guard between them. */
CASE(large_end) {
  char* behind;
  char* before = Block(LargeBefore(&behind));
  free(Give(Usable(before)));
}
CASE(large_end_with_nothing_behind) {
  char* behind;
  char* before = Block(LargeBefore(&behind));
  free(behind);
  malloc_trim(0); /* or it would be kept for another */
  free(Give(Usable(before)));
}

CASE(large_before) {
  char* p = Block(malloc(kLarge));
  free(Give(p - 8));
}

static void FreeInsideFreed(size_t size) {
  char* p = Block(malloc(size));
  free(p);
  free(Give(p + 16));
}
CASE(inside_a_freed_small_block) { FreeInsideFreed(kSmall); }
CASE(inside_a_freed_medium_block) { FreeInsideFreed(kMedium); }
CASE(inside_a_freed_large_block) { FreeInsideFreed(kLarge); }

static void FreeOnAnotherThread(void* p) { free(Give(p)); }
CASE(inside_on_another_thread) { OnAnotherThread(FreeOnAnotherThread, Block(malloc(kSmall)) + 16); }

CASE(moved_on) { /* as by strsep, which changes the pointer that is freed later */
  char* p = Block(strdup("a word and another"));
  char* rest = p;
  strsep(&rest, " ");
  free(Give(rest));
}

static int g_number;
static const char kText[] = "some text";
static __thread char t_bytes[64];

CASE(on_the_stack) {
  _Alignas(16) char bytes[64] = "x";
  free(Give(bytes));
}
CASE(on_the_stack_misaligned) {
  char bytes[64] = "x";
  free(Give(bytes + 1));
}
static void FreeOnTheStack(void* ignored) {
  _Alignas(16) char bytes[64] = "x";
  free(Give(ignored == NULL ? bytes : NULL));
}
CASE(on_the_stack_of_a_thread) { OnAnotherThread(FreeOnTheStack, NULL); }
CASE(argument_vector) { free(Give(program_invocation_name)); }
CASE(environment) { free(Give(getenv("PATH"))); }
CASE(global) { free(Give(&g_number)); }
CASE(constant) { free(Give(kText)); }
CASE(string_literal) { free(Give("a literal")); }
CASE(thread_local) { free(Give(t_bytes)); }
CASE(code) { free(Give((const void*)(uintptr_t)on_the_stack)); }
CASE(libc_code) { free(Give((const void*)(uintptr_t)getpid)); }
CASE(libc_data) { free(Give(stdout)); }
CASE(null_page) { free(Give((void*)16)); }
CASE(unmapped) {
  char* p = (char*)mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(p != MAP_FAILED && munmap(p, 8192) == 0);
  free(Give(p + 16));
}
CASE(unreadable) {
  char* p = (char*)mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(p != MAP_FAILED);
  free(Give(p + 16));
}
CASE(own_mapping) {
  char* p = (char*)mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(p != MAP_FAILED);
  free(Give(p));
}
CASE(inside_own_mapping) {
  char* p = (char*)mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(p != MAP_FAILED);
  free(Give(p + 4096 + 16));
}
CASE(break_area) {
  char* p = (char*)sbrk(65536);
  free(Give((void*)(((uintptr_t)p + 4095) / 16 * 16)));
}
/* Of libc's chunks only the word before the block is there, with the bits of one in its first arena
 * or of one in another, and what would lie behind it says nothing. */
static void FreeForged(char* memory, size_t size_and_flags) {
  size_t* p = (size_t*)((uintptr_t)(memory + 4096) / 16 * 16);
  p[-1] = size_and_flags;
  free(Give(p));
}
static char* OwnMapping(void) {
  char* p = (char*)mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(p != MAP_FAILED);
  return p;
}
CASE(forged_in_break_area) { FreeForged((char*)sbrk(65536), 64 | 1); }
CASE(forged_in_break_area_and_free) { FreeForged((char*)sbrk(65536), 64); }
CASE(forged_in_own_mapping) { FreeForged(OwnMapping(), 64 | 1); }
CASE(forged_in_own_mapping_past_its_end) { FreeForged(OwnMapping(), 65536 | 1); }
CASE(forged_of_another_arena) { FreeForged(OwnMapping(), 64 | 4 | 1); }
/* What lies behind it is plausible, but does not say that it is taken. */
CASE(forged_before_a_chunk) {
  char* p = OwnMapping();
  ((size_t*)(p + 4096))[7] = 64;
  FreeForged(p, 64 | 1);
}
CASE(kernel_half) { free(Give((void*)0xffff888000001000)); }
CASE(no_address) { free(Give((void*)0x4141414141414140)); }
CASE(all_ones) { free(Give((void*)~(uintptr_t)0)); }
CASE(minus_16) { free(Give((void*)~(uintptr_t)15)); }

/* The last slot of a fresh page, of a size that the program does not use otherwise. */
static char* NeverHandedOut(void) {
  char* p = (char*)malloc(900);
  const size_t usable = malloc_usable_size(p);
  return BlockOf(p + 200 * (usable + 8), usable);
}
CASE(never_handed_out) { free(Give(NeverHandedOut())); }
CASE(inside_never_handed_out) { free(Give(NeverHandedOut() + 16)); }
CASE(far_from_any_block) { free(Give((char*)malloc(kSmall) + ((uintptr_t)1 << 32))); }

CASE(realloc_inside) { REQUIRE(realloc(Give(Block(malloc(kSmall)) + 16), 100) == NULL); }
CASE(realloc_inside_large) { REQUIRE(realloc(Give(Block(malloc(kLarge)) + 16), 100) == NULL); }
CASE(realloc_on_the_stack) {
  _Alignas(16) char bytes[64] = "x";
  REQUIRE(realloc(Give(bytes), 100) == NULL);
}
CASE(reallocarray_global) { REQUIRE(reallocarray(Give(&g_number), 10, 10) == NULL); }
CASE(usable_size_inside) { REQUIRE(malloc_usable_size(Give(Block(malloc(kMedium)) + 16)) == 0); }
CASE(usable_size_of_a_literal) { REQUIRE(malloc_usable_size(Give("a literal")) == 0); }
