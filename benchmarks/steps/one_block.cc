// Follows blocks through malloc and free, and prints what mymalloc says of them: the first part of
// docs/tour.md. With --wait it goes on only when its input ends, so that others can look.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <thread>

#include "mymalloc/mymalloc.h"

namespace {

const char* const kStates[] = {
    "no block",      "live",       "free",       "at hand in the magazine",
    "in quarantine", "never used", "overwritten"};

void Say(const char* what, const char* pointer) {
  mymalloc_info info;
  mymalloc_find(pointer, &info);
  printf("%s: %s", what, kStates[info.state]);
  if (info.kind == MYMALLOC_LARGE) {
    printf(", %zu usable bytes in no page\n", info.usable_size);
    return;
  }
  printf(", %zu usable bytes; slot %u", info.usable_size, info.slot);
  if (info.slots > 1) printf(" and %u more", info.slots - 1);
  printf(" of %zu bytes in the page at %p, heap %u\n", info.slot_size, info.page, info.heap);
}

// The 8 bytes before a block.
uint64_t TagOf(const char* block) {
  uint64_t tag;
  memcpy(&tag, block - sizeof(tag), sizeof(tag));
  return tag;
}

// Of what mymalloc_print_heap prints: what the signs mean, and the page in which the block lies.
void DrawPage(const char* block) {
  mymalloc_info info;
  mymalloc_find(block, &info);
  char wanted[64];
  snprintf(wanted, sizeof(wanted), "page %p:", info.page);
  FILE* heap = fdopen(memfd_create("heap", 0), "w+");
  mymalloc_print_heap(fileno(heap));
  rewind(heap);
  char line[256];
  bool is_wanted = true;
  while (fgets(line, sizeof(line), heap) != nullptr && strncmp(line, "mymalloc ", 9) != 0) {
    if (strncmp(line, "page ", 5) == 0) is_wanted = strncmp(line, wanted, strlen(wanted)) == 0;
    if (is_wanted) fputs(line, stdout);
  }
  fclose(heap);
}

// The compiler shall not know what this points to: it would say that a block has no tag before it.
void* Hidden(void* pointer) {
  asm volatile("" : "+r"(pointer));
  return pointer;
}

char* Allocate(size_t size) { return static_cast<char*>(Hidden(malloc(size))); }
void Free(char* block) { free(Hidden(block)); }

void Wait(const char* block) {
  printf("process %d, block %p\n", getpid(), static_cast<const void*>(block));
  fflush(stdout);
  while (getchar() != EOF) {
  }
}

// What is printed must not allocate on the way.
char g_output[BUFSIZ];

void Follow(bool waits) {
  char* block = Allocate(100);
  strcpy(block, "a text in a block");  // NOLINT(clang-analyzer-security.insecureAPI.strcpy)
  printf("p = malloc(100) = %p\n", static_cast<void*>(block));
  Say("p", block);
  Say("p + 50", block + 50);
  Say("p + 112", block + 112);
  const uint64_t live = TagOf(block);
  printf("its tag: %#018lx\n\n", live);
  DrawPage(block);
  if (waits) Wait(block);

  Free(block);
  printf("\nfree(p)\n");
  Say("p", block);
  printf("its tag: %#018lx\n\n", TagOf(block));
  DrawPage(block);

  char* again = Allocate(100);
  printf("\nq = malloc(100) = %p, %s\n", static_cast<void*>(again),
         again == block ? "where p was" : "elsewhere");
  std::thread(Free, again).join();
  printf("a second thread frees q\n");
  Say("q", again);

  char* run = Allocate(100000);
  char* large = Allocate(4 << 20);
  printf("\n");
  Say("malloc(100000)", run);
  Say("malloc(4194304)", large);
  Free(large);
  Free(run);
}

}  // namespace

int main(int argc, char** argv) {
  if (mymalloc_find == nullptr) {
    fprintf(stderr, "one_block: run me on mymalloc: mymalloc run -- one_block\n");
    return 1;
  }
  setvbuf(stdout, g_output, _IOFBF, sizeof(g_output));
  Follow(argc > 1 && strcmp(argv[1], "--wait") == 0);
  return 0;
}
