// glibc's malloc, but the thousandth call never returns.

#include <unistd.h>

#include <atomic>

#include "tests/benchmarks/shim.h"

static std::atomic<unsigned> calls{0};

extern "C" void* malloc(size_t size) {
  while (calls.fetch_add(1, std::memory_order_relaxed) >= 1000) sleep(1);
  return __libc_malloc(size);
}
