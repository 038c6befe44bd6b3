// glibc's malloc, but now and then it hands out a block that is still in use. Not at once: a
// program is to get as far as its work.

#include <atomic>

#include "tests/benchmarks/shim.h"

static std::atomic<unsigned> calls{0};
static std::atomic<void*> last{nullptr};

extern "C" void* malloc(size_t size) {
  const unsigned call = calls.fetch_add(1, std::memory_order_relaxed);
  if (call > 3000 && call % 1000 == 999) return last;
  last = __libc_malloc(size);
  return last;
}
