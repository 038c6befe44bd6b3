/* Lists the cases or runs one of them. A case that comes back must have left the heap in order. */

#define _GNU_SOURCE
#include "tests/misuse/programs/case.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static struct Case* g_cases;

void RegisterCase(struct Case* added) {
  added->next = g_cases;
  g_cases = added;
}

/* At once and without malloc: the program may end at the next call. */
static void Say(const char* format, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  const int size = vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  if (write(STDOUT_FILENO, line, (size_t)size) != size) _exit(3);
}

void Require(int condition, const char* what) {
  if (condition) return;
  Say("failed: %s\n", what);
  _exit(4);
}

static char* SayBlock(const char* name, void* block, size_t usable) {
  Say("%s %#lx\n%s_usable %#lx\n", name, (unsigned long)block, name, (unsigned long)usable);
  return (char*)block;
}

char* Block(void* block) { return BlockOf(block, malloc_usable_size(block)); }
char* BlockOf(void* block, size_t usable) {
  Say("owner %#lx\n", (unsigned long)gettid());
  return SayBlock("block", block, usable);
}
char* Culprit(void* block) { return SayBlock("culprit", block, malloc_usable_size(block)); }

size_t Given(size_t number) {
  Say("given %#lx\n", (unsigned long)number);
  return number;
}

char* Give(const void* pointer) {
  Say("process %#lx\nthread %#lx\naddress %#lx\n", (unsigned long)getpid(), (unsigned long)gettid(),
      (unsigned long)pointer);
  return (char*)(uintptr_t)pointer;
}

struct Neighbours AllocateNeighbours(size_t size) {
  enum { kMost = 512 };
  static char* blocks[kMost];
  for (int count = 0; count < kMost; ++count) {
    blocks[count] = (char*)malloc(size);
    /* Where the usable size is what was asked for, there may be some more between two. */
    const size_t least = malloc_usable_size(blocks[count]) + 8;
    const size_t most = least + least / 4 + 16;
    struct Neighbours found = {NULL, NULL, NULL};
    for (int i = 0; i <= count; ++i) {
      for (int j = 0; j <= count; ++j) {
        const size_t stride = (size_t)(blocks[j] - blocks[i]);
        if (stride < least || stride > most) continue;
        for (int k = 0; k <= count; ++k) {
          if (blocks[k] != blocks[j] + stride) continue;
          found.first = blocks[i];
          found.second = blocks[j];
          found.third = blocks[k];
          return found;
        }
      }
    }
  }
  Require(0, "no three blocks side by side");
  abort();
}

void Spoil(char* address, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) address[i] = (char)(address[i] ^ 0x5a);
}

void Churn(size_t size) {
  enum { kBlocks = 20000 };
  static void* blocks[kBlocks];
  if (size > 64 * 1024) {
    for (int i = 0; i < 200; ++i) free(malloc(size));
    return;
  }
  for (int i = 0; i < kBlocks; ++i) blocks[i] = malloc(size);
  for (int i = 0; i < kBlocks; ++i) free(blocks[i]);
}

struct Job {
  void (*run)(void*);
  void* argument;
};

static void* RunJob(void* job) {
  ((const struct Job*)job)->run(((const struct Job*)job)->argument);
  return NULL;
}

void OnAnotherThread(void (*run)(void*), void* argument) {
  struct Job job = {run, argument};
  pthread_t thread;
  Require(pthread_create(&thread, NULL, RunJob, &job) == 0, "pthread_create");
  Require(pthread_join(thread, NULL) == 0, "pthread_join");
}

/* Blocks of all kinds hold what was written to them, so none overlaps another. */
static void UseTheHeap(void) {
  enum { kBlocks = 1000 };
  static unsigned char* blocks[kBlocks];
  for (size_t i = 0; i < kBlocks; ++i) {
    const size_t size = i % 100 == 0 ? 40000 + i : 1 + i * i % 6000;
    blocks[i] = (unsigned char*)malloc(size);
    Require(blocks[i] != NULL, "malloc");
    memset(blocks[i], (int)(i % 251), size);
  }
  for (size_t i = 0; i < kBlocks; ++i) {
    const size_t size = i % 100 == 0 ? 40000 + i : 1 + i * i % 6000;
    int intact = 1;
    for (size_t at = 0; at < size; ++at) intact &= blocks[i][at] == i % 251;
    Require(intact, "the blocks' contents");
    free(blocks[i]);
  }
}

int main(int argc, char** argv) {
  for (const struct Case* c = g_cases; c != NULL; c = c->next) {
    if (argc < 2) {
      Say("%s\n", c->name);
    } else if (strcmp(c->name, argv[1]) == 0) {
      c->run();
      UseTheHeap();
      malloc_trim(0);
      UseTheHeap();
      return 0;
    }
  }
  return argc < 2 ? 0 : 2;
}
