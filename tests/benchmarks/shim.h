// glibc's own entry points, for allocators that are glibc's but for one flaw.

#ifndef TESTS_BENCHMARKS_SHIM_H_
#define TESTS_BENCHMARKS_SHIM_H_

#include <stddef.h>

extern "C" {
void* __libc_malloc(size_t size);
void __libc_free(void* block);
}

#endif  // TESTS_BENCHMARKS_SHIM_H_
