// A library with fork handlers that allocate, and that it registers as early as it can: where it is
// loaded beside the allocator, before or after the allocator's own.

#include <pthread.h>
#include <stdlib.h>

#include <cstring>
#include <iterator>

#include "tests/support/check.h"

namespace {

constexpr size_t kSizes[] = {40, 3000, 50000, 100000, 300000};

int calls = 0;
void* from_prepare[std::size(kSizes)];

void* Filled(size_t size) {
  void* const block = malloc(size);
  MYMALLOC_CHECK(block != nullptr);
  memset(block, 1, size);
  return block;
}

void AllocateAndFree() {
  for (const size_t size : kSizes) free(Filled(size));
}

void Prepare() {
  ++calls;
  AllocateAndFree();
  for (size_t i = 0; i < std::size(kSizes); ++i) from_prepare[i] = Filled(kSizes[i]);
}

void After() {
  ++calls;
  for (void* const block : from_prepare) free(block);
  AllocateAndFree();
}

[[gnu::constructor(101)]] void Register() {
  MYMALLOC_CHECK(pthread_atfork(Prepare, After, After) == 0);
}

}  // namespace

// Of prepare and parent.
extern "C" int EarlyAtforkCalls() { return calls; }
