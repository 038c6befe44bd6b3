// glibc's malloc, but one block in two is never freed.

#include <atomic>

#include "tests/benchmarks/shim.h"

static std::atomic<unsigned> calls{0};

extern "C" void* malloc(size_t size) { return __libc_malloc(size); }

extern "C" void free(void* block) {
  if (calls.fetch_add(1, std::memory_order_relaxed) % 2 == 0) __libc_free(block);
}
