// Crashes at the first malloc, before the program's main.

#include "tests/benchmarks/shim.h"

extern "C" void* malloc(size_t) { __builtin_trap(); }
