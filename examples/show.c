#define _GNU_SOURCE /* for memfd_create */

#include "examples/show.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mymalloc/mymalloc.h"

void show_nothing_of_stdout(void) {
  static char buffer[BUFSIZ];
  setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
}

/* All that print_mem_heap() prints. The place for it is no block, either. */
static const char* heap_text(void) {
  static char text[1 << 16];
  const int file = memfd_create("heap", 0);
  mymalloc_print_heap(file);
  const ssize_t length = pread(file, text, sizeof(text) - 1, 0);
  close(file);
  text[length < 0 ? 0 : length] = '\0';
  return text;
}

static void print_up_to(const char* begin, const char* end) {
  printf("%.*s", end == NULL ? 0 : (int)(end - begin), begin);
}

void explain_signs(void) {
  const char* const text = heap_text();
  const char* const pages = strstr(text, "page 0x");
  print_up_to(text, pages != NULL ? pages : strstr(text, "mymalloc "));
}

static const char* name_of(enum mymalloc_state state) {
  switch (state) {
    case MYMALLOC_LIVE:
      return "live";
    case MYMALLOC_FREE:
      return "free";
    case MYMALLOC_CACHED:
      return "free, and the next one of its size";
    case MYMALLOC_QUARANTINED:
      return "free, and kept from use for a while";
    default:
      return "no block";
  }
}

void say(const char* call, const void* block) {
  struct mymalloc_info info = {0};
  mymalloc_find(block, &info);
  printf("  %-27s %p: %s", call, block, name_of(info.state));
  if (info.state != MYMALLOC_LIVE) {
    printf("\n");
  } else if (info.page == NULL) {
    printf(", %zu bytes, in no page\n", info.usable_size);
  } else {
    printf(", %zu bytes, %u slot%s\n", info.usable_size, info.slots, info.slots == 1 ? "" : "s");
  }
}

void draw_page(const void* block) {
  struct mymalloc_info info = {0};
  mymalloc_find(block, &info);
  char title[64];
  snprintf(title, sizeof(title), "page %p:", info.page);
  const char* const begin = strstr(heap_text(), title);
  if (begin == NULL) return;
  printf("\n");
  const char* line = begin;
  do {
    const char* const next = strchr(line, '\n') + 1;
    printf("  ");
    print_up_to(line, next);
    line = next;
  } while (*line == ' ');
  printf("\n");
}

void* hidden(void* pointer) {
  __asm__ volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}
