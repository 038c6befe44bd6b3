// A library that is loaded as others are, but has no malloc: what runs under it is glibc's.

#include "tests/benchmarks/shim.h"

extern "C" void free(void* block) { __libc_free(block); }
