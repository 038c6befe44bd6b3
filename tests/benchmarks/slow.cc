// glibc's malloc, but each call wastes some hundred nanoseconds: the benchmarks must say so.

#include "tests/benchmarks/shim.h"

extern "C" void* malloc(size_t size) {
  for (volatile int i = 0; i < 300; i = i + 1) {
  }
  return __libc_malloc(size);
}
