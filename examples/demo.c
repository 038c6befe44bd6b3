/* malloc, calloc, realloc and free at work on this program's own heap: what each call returns, what
 * the heap then knows of the block, and a drawing of its page. docs/learn.md explains it.
 *
 *   bazel run //examples:demo
 *
 * The source is the same whether it is linked with libmymalloc.so or that is preloaded. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "examples/show.h"
#include "mymalloc/mymalloc.h"

static char* allocate(size_t n) { return hidden(malloc(n)); }
static char* resize(char* block, size_t n) { return hidden(realloc(hidden(block), n)); }
static void release(char* block) { free(hidden(block)); }

static void show_malloc_and_free(void) {
  printf("\nmalloc, free: blocks of a size lie side by side, and a free one is used again\n\n");
  char* const a = allocate(100);
  char* const b = allocate(100);
  char* const c = allocate(100);
  say("a = malloc(100)", a);
  say("b = malloc(100)", b);
  say("c = malloc(100)", c);
  draw_page(b);
  release(b);
  say("free(b)", b);
  draw_page(b);
  char* const d = allocate(100);
  say("d = malloc(100)", d);
  printf("  d is %s\n", d == b ? "where b was" : "elsewhere");
  release(a);
  release(c);
  release(d);
}

static size_t zeroes(const char* block, size_t n) {
  size_t count = 0;
  for (size_t i = 0; i < n; ++i) count += block[i] == 0;
  return count;
}

static void show_calloc(void) {
  printf("\ncalloc: zeroes, also where something else was before\n\n");
  char* const used = allocate(300);
  memset(used, 'x', 300);
  say("e = malloc(300)", used);
  printf("  memset(e, 'x', 300)\n");
  release(used);
  say("free(e)", used);
  char* const block = hidden(calloc(3, 100));
  say("f = calloc(3, 100)", block);
  printf("  of its 300 bytes %zu are zero\n", zeroes(block, 300));
  release(block);
}

static void show_realloc(void) {
  printf("\nrealloc: in place where there is room, or else a longer block and a copy\n\n");
  char* block = allocate(100);
  say("g = malloc(100)", block);
  memcpy(block, "a text", sizeof("a text"));
  block = resize(block, 104);
  say("g = realloc(g, 104)", block);
  block = resize(block, 1000);
  say("g = realloc(g, 1000)", block);
  printf("  g is \"%s\"\n\n", block);
  release(block);
  char* run = allocate(100000);
  say("h = malloc(100000)", run);
  draw_page(run);
  run = resize(run, 200000);
  say("h = realloc(h, 200000)", run);
  draw_page(run);
  release(run);
}

static void show_large_blocks(void) {
  printf("and what is larger than pages are for\n\n");
  char* const large = allocate(4 << 20);
  say("i = malloc(4 << 20)", large);
  release(large);
  say("free(i)", large);
}

/* print_mem_heap() writes to stderr; its place is behind what is on stdout. */
static void show_whole_heap(void) {
  printf("\nprint_mem_heap(): all pages, and what was counted\n\n");
  fflush(stdout);
  dup2(STDOUT_FILENO, STDERR_FILENO);
  print_mem_heap();
}

int main(void) {
  if (mymalloc_find == NULL) {
    fprintf(stderr, "demo: this is not mymalloc's heap: link with it, or preload libmymalloc.so\n");
    return 1;
  }
  show_nothing_of_stdout();
  explain_signs();
  show_malloc_and_free();
  show_calloc();
  show_realloc();
  show_large_blocks();
  show_whole_heap();
  return 0;
}
