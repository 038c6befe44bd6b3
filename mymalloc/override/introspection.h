// mallinfo and its kin by their semantics (glibc's manual), about this heap.

#ifndef MYMALLOC_OVERRIDE_INTROSPECTION_H_
#define MYMALLOC_OVERRIDE_INTROSPECTION_H_

#include <malloc.h>
#include <stdio.h>

#include "mymalloc/report/statistics.h"

namespace mymalloc::api {

// glibc's parameters are accepted, where glibc accepts the value, and change nothing: what they
// tune is not there.
int Mallopt(int parameter, int value);

struct mallinfo2 Mallinfo2();
struct mallinfo Mallinfo();  // the same, cut to ints

// Gives back all that it can, whatever `pad` would leave. Returns 1 if that was anything.
int MallocTrim(size_t pad);

int MallocInfo(int options, FILE* stream);

}  // namespace mymalloc::api

#endif  // MYMALLOC_OVERRIDE_INTROSPECTION_H_
