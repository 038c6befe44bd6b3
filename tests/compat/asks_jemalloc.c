/* Asks jemalloc's questions, by the names that its header declares, and prints the answers: each
 * line a name and a number. It is linked with jemalloc, as a program that was built for it. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int mallctl(const char* name, void* old_value, size_t* old_length, void* new_value,
                   size_t new_length);
extern int mallctlnametomib(const char* name, size_t* path, size_t* length);
extern int mallctlbymib(const size_t* path, size_t length, void* old_value, size_t* old_length,
                        void* new_value, size_t new_length);
extern void* mallocx(size_t n, int flags);
extern void* rallocx(void* pointer, size_t n, int flags);
extern size_t xallocx(void* pointer, size_t n, size_t extra, int flags);
extern size_t sallocx(const void* pointer, int flags);
extern void dallocx(void* pointer, int flags);
extern void sdallocx(void* pointer, size_t n, int flags);
extern size_t nallocx(size_t n, int flags);
extern void malloc_stats_print(void (*write)(void*, const char*), void* argument,
                               const char* options);

enum { kMegabyte = 1 << 20, kAlign64 = 6, kZero = 64 };

static void Say(const char* name, size_t number) { printf("%s %zu\n", name, number); }
static void Check(const char* name, int holds) { Say(name, holds != 0); }

static size_t Get(const char* name) {
  uint64_t epoch = 1;
  size_t value = 0;
  size_t length = sizeof(value);
  if (mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)) != 0) Say("epoch_failed", 1);
  if (mallctl(name, &value, &length, NULL, 0) != 0) Say("failed", 1);
  return value;
}

static int IsZero(const char* bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (bytes[i] != 0) return 0;
  }
  return 1;
}

static void Figures(void) {
  const size_t before = Get("stats.allocated");
  char* const block = mallocx(kMegabyte, 0);
  memset(block, 1, kMegabyte);
  Say("allocated_grew_by", Get("stats.allocated") - before);
  Check("active_is_more", Get("stats.active") >= Get("stats.allocated"));
  Check("resident_is_more", Get("stats.resident") >= Get("stats.allocated"));
  Check("mapped_is_more", Get("stats.mapped") >= Get("stats.resident"));
  dallocx(block, 0);
  Say("allocated_fell_to_within", Get("stats.allocated") - before);
}

static void WithFlags(void) {
  char* block = mallocx(100, kAlign64 | kZero);
  Check("aligned", (uintptr_t)block % 64 == 0);
  Check("zero", IsZero(block, 100));
  memset(block, 1, 100);
  block = rallocx(block, 5000, kZero);
  Check("kept", block[0] == 1 && block[99] == 1);
  Check("rest_is_zero", IsZero(block + sallocx(block, 0) - 64, 64));
  Check("sizes_agree", sallocx(block, 0) == nallocx(5000, 0));
  Check("stays", xallocx(block, 4 * kMegabyte, 0, 0) == sallocx(block, 0));
  free(block);
  block = malloc(10);
  sdallocx(block, 10, 0);
}

static void Names(void) {
  size_t path[7];
  size_t length = 7;
  size_t value = 0;
  size_t size = sizeof(value);
  Check("path_found", mallctlnametomib("stats.arenas.0.pactive", path, &length) == 0);
  Say("path_length", length);
  Check("by_path", mallctlbymib(path, length, &value, &size, NULL, 0) == 0 && value > 0);
  Check("unknown_is_enoent", mallctl("stats.no.such", NULL, NULL, NULL, 0) == ENOENT);
  Check("inner_is_enoent", mallctl("stats", NULL, NULL, NULL, 0) == ENOENT);
  size = 1;
  Check("wrong_length_is_einval", mallctl("stats.mapped", &value, &size, NULL, 0) == EINVAL);
  size = sizeof(value);
  Check("not_written_is_eperm", mallctl("stats.mapped", NULL, NULL, &value, size) == EPERM);
}

static void Purges(void) {
  char* const block = malloc(8 * kMegabyte);
  memset(block, 1, 8 * kMegabyte);
  free(block);
  Check("purged", mallctl("arena.0.purge", NULL, NULL, NULL, 0) == 0);
  Check("all_purged", mallctl("arena.4096.purge", NULL, NULL, NULL, 0) == 0);
  Check("no_such_arena", mallctl("arena.77.purge", NULL, NULL, NULL, 0) == EFAULT);
  Say("resident_after", Get("stats.resident"));
}

static void Print(void* argument, const char* text) { fputs(text, argument); }

int main(void) {
  Figures();
  WithFlags();
  Names();
  Purges();
  printf("text ");
  malloc_stats_print(&Print, stdout, NULL);
  malloc_stats_print(&Print, stdout, "J");
  return 0;
}
