/* libosmem.so at work: which blocks lie in its heap and which are mapped, and how one grows where
 * it is, slot by slot. docs/learn.md explains it.
 *
 *   bazel run //examples:osmem_demo */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "examples/show.h"
#include "mymalloc/mymalloc.h"
#include "mymalloc/osmem.h"

/* Three blocks, of which the middle one is free. */
static void make_a_gap(char** first, char** last) {
  *first = os_malloc(100);
  char* const middle = os_malloc(300);
  *last = os_malloc(50);
  say("a = os_malloc(100)", *first);
  say("b = os_malloc(300)", middle);
  say("c = os_malloc(50)", *last);
  draw_page(*first);
  os_free(middle);
  say("os_free(b)", middle);
  draw_page(*first);
}

static void show_growing_in_place(void) {
  char *a, *c;
  printf(
      "\nos_realloc: a block that grows takes the free slots behind it, as many as it needs\n\n");
  make_a_gap(&a, &c);
  a = os_realloc(a, 200);
  say("a = os_realloc(a, 200)", a);
  draw_page(a);
  printf(
      "Shorter again, what is beyond is free; and what does not suffice, is left for "
      "elsewhere\n\n");
  a = os_realloc(a, 20);
  say("a = os_realloc(a, 20)", a);
  draw_page(a);
  a = os_realloc(a, 1000);
  say("a = os_realloc(a, 1000)", a);
  draw_page(a);
  os_free(a);
  os_free(c);
}

/* There is memory in the page for short blocks, but none for another page. */
static void show_what_is_kept(void) {
  char *a, *c;
  printf("Where there is no elsewhere, what it has taken it keeps\n\n");
  make_a_gap(&a, &c);
  mymalloc_set_hard_limit(1);
  printf("  os_realloc(a, 100000)       %p\n", os_realloc(a, 100000));
  mymalloc_set_hard_limit(0);
  say("a", a);
  draw_page(a);
  os_free(a);
  os_free(c);
}

/* The line of /proc/self/maps, without what is behind the addresses. */
static void show_mapping(const void* block) {
  char line[256];
  FILE* const maps = fopen("/proc/self/maps", "r");
  uintptr_t begin = 0, end = 0;
  while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
    if (sscanf(line, "%lx-%lx", &begin, &end) == 2 && end > (uintptr_t)block) break;
  }
  if (maps != NULL) fclose(maps);
  if (begin <= (uintptr_t)block && (uintptr_t)block < end) {
    printf("    /proc/self/maps: %lx-%lx, %lu bytes\n", begin, end, end - begin);
  } else {
    printf("    /proc/self/maps: nothing is there\n");
  }
}

static void show_mapped(const char* call, void* block) {
  say(call, block);
  show_mapping(block);
  os_free(block);
  say("  os_free", block);
  show_mapping(block);
}

static void show_mappings(void) {
  printf(
      "From MMAP_THRESHOLD on, a mapping for each; os_calloc's threshold is the kernel's "
      "page\n\n");
  show_mapped("os_malloc(128 * 1024 - 16)", os_malloc(MMAP_THRESHOLD - 16));
  show_mapped("os_malloc(128 * 1024)", os_malloc(MMAP_THRESHOLD));
  show_mapped("os_malloc(4096)", os_malloc(4096));
  show_mapped("os_calloc(1, 4096)", os_calloc(1, 4096));
}

int main(void) {
  show_nothing_of_stdout();
  explain_signs();
  show_growing_in_place();
  show_what_is_kept();
  show_mappings();
  return 0;
}
