// Allocates some gigabytes, bit by bit, and looks at what is sampled of that.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <string>
#include <thread>

#include "mymalloc/mymalloc.h"
#include "tests/robust/expect.h"
#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/child.h"

namespace mymalloc::test {
namespace {

constexpr size_t kSize = 1000;

bool IsSampled(const void* block) {
  mymalloc_info info;
  MYMALLOC_CHECK(mymalloc_find(block, &info) == 0);
  return info.kind == MYMALLOC_SAMPLED;
}

// Calls visit(block) for each sampled one of so many bytes of blocks of n bytes; frees the others.
// Many live at once: what a thread frees and takes again is not counted.
template <typename Visit>
void Allocate(size_t bytes, size_t n, Visit&& visit) {
  constexpr size_t kLive = 512;
  static thread_local char* blocks[kLive];
  for (size_t done = 0; done < bytes; done += kLive * n) {
    for (char*& block : blocks) {
      block = static_cast<char*>(Opaque(malloc(n)));
      MYMALLOC_CHECK(block != nullptr);
    }
    for (char* const block : blocks) IsSampled(block) ? visit(block) : free(block);
  }
}

char* FirstSampled() {
  char* first = nullptr;
  while (first == nullptr) {
    Allocate(kSize, kSize, [&first](char* block) { first = block; });  // the last one, if many
  }
  memset(first, 'a', kSize);
  return first;
}

size_t Mappings() {
  FILE* const maps = fopen("/proc/self/maps", "r");
  size_t lines = 0;
  for (int c = getc(maps); c != EOF; c = getc(maps)) lines += c == '\n' ? 1 : 0;
  fclose(maps);
  return lines;
}

void Count() {
  int sampled = 0;
  Allocate(2048 * kMiB, kSize, [&sampled](char* block) {
    ++sampled;
    free(block);
  });
  printf("%d\n", sampled);
}

// Threads that live for a megabyte each.
void CountOfThreads() {
  int sampled = 0;
  for (int i = 0; i < 2000; ++i) {
    std::thread([&sampled] {
      Allocate(kMiB, kSize, [&sampled](char* block) {
        ++sampled;
        free(block);
      });
    }).join();
  }
  printf("%d\n", sampled);
}

// Twenty gigabytes of long blocks, which cannot be sampled, and a short one with each.
void CountBesideLong() {
  int sampled = 0;
  for (int i = 0; i < 20000; ++i) {
    free(Opaque(malloc(kMiB)));
    char* const block = static_cast<char*>(Opaque(malloc(64)));
    sampled += IsSampled(block) ? 1 : 0;
    free(block);
  }
  printf("%d\n", sampled);
}

// All that are sampled stay live.
void Keep() {
  const size_t before = Mappings();
  int live = 0;
  Allocate(4096 * kMiB, kSize, [&live](char* block) {
    memset(block, 'a', kSize);
    ++live;
  });
  printf("%d %zu\n", live, Mappings() - before);
}

void UseAfterFree() {
  struct sigaction action = {};
  sigaction(SIGSEGV, nullptr, &action);
  MYMALLOC_CHECK(action.sa_handler == SIG_DFL);
  char* const block = FirstSampled();
  free(block);
  *static_cast<volatile char*>(Opaque(block)) = 1;
}

void FreeTwice() {
  char* const block = FirstSampled();
  free(block);
  free(Opaque(block));
}

// What a program does by habit, and no harm comes of it.
void FreeByHabit() {
  for (size_t done = 0; done < 2048 * kMiB; done += 512 * kSize) {
    void* blocks[512];
    for (void*& block : blocks) block = Opaque(operator new(kSize));
    for (size_t i = 0; i < std::size(blocks); ++i) {
      i % 2 == 0 ? free(blocks[i]) : operator delete(blocks[i], kSize - 1);
    }
  }
}

// A child goes on with what there was, and makes its own.
void Fork() {
  char* const block = FirstSampled();
  InChild([block] {
    free(block);
    Count();
    fflush(stdout);
  });
  free(block);
}

constexpr NamedCase kCases[] = {
    {"count", Count}, {"count_of_threads", CountOfThreads}, {"count_beside_long", CountBesideLong},
    {"keep", Keep},   {"use_after_free", UseAfterFree},     {"free_twice", FreeTwice},
    {"fork", Fork},   {"free_by_habit", FreeByHabit},
};

}  // namespace
}  // namespace mymalloc::test

int main(int argc, char** argv) {
  return mymalloc::test::RunNamedCase(mymalloc::test::kCases, argc, argv);
}
