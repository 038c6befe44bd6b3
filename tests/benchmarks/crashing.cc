// glibc's malloc, but the thousandth call crashes.

#include <atomic>

#include "tests/benchmarks/shim.h"

static std::atomic<unsigned> calls{0};

extern "C" void* malloc(size_t size) {
  if (calls.fetch_add(1, std::memory_order_relaxed) == 1000) __builtin_trap();
  return __libc_malloc(size);
}
