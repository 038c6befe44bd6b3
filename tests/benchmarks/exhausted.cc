// glibc's malloc, but after a while it has no more memory for long blocks.

#include <errno.h>

#include <atomic>

#include "tests/benchmarks/shim.h"

static std::atomic<unsigned> calls{0};

extern "C" void* malloc(size_t size) {
  constexpr size_t kLong = size_t{1} << 20;
  if (size < kLong || calls.fetch_add(1, std::memory_order_relaxed) < 100) {
    return __libc_malloc(size);
  }
  errno = ENOMEM;
  return nullptr;
}
