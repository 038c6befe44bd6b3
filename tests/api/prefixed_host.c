/* A program that is linked with libmymalloc_prefixed.so: malloc is libc's, mymalloc_malloc is not.
 * With an argument it frees a block twice. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mymalloc/mymalloc.h"

static int IsFrom(const char* library, void* function) {
  Dl_info module;
  return dladdr(function, &module) != 0 && strstr(module.dli_fname, library) != NULL;
}

static int Fail(const char* what) {
  fprintf(stderr, "%s\n", what);
  return 1;
}

/* Not from this module's own table of jumps, as &malloc may be. */
static void* Function(const char* name) { return dlsym(RTLD_DEFAULT, name); }

int main(int count, char** arguments) {
  if (!IsFrom("libc.so", Function("malloc"))) return Fail("malloc is not libc's");
  if (!IsFrom("libc.so", Function("free"))) return Fail("free is not libc's");
  if (!IsFrom("libmymalloc_prefixed.so", Function("mymalloc_malloc")))
    return Fail("mymalloc_malloc is not in the library");
  if (strcmp(mymalloc_version(), MYMALLOC_VERSION) != 0) return Fail("another version");
  enum { kBlocks = 1000, kBytes = 100 };
  static char* ours[kBlocks];
  static char* libcs[kBlocks];
  const size_t before = mymalloc_mallinfo2().uordblks;
  for (int i = 0; i < kBlocks; ++i) {
    ours[i] = mymalloc_malloc(kBytes);
    libcs[i] = malloc(kBytes);
    if (ours[i] == NULL || libcs[i] == NULL) return Fail("no memory");
    memset(ours[i], i, kBytes);
    memset(libcs[i], ~i, kBytes);
  }
  const size_t more = mymalloc_mallinfo2().uordblks - before;
  if (more < kBlocks * kBytes || more > 2 * kBlocks * kBytes) return Fail("blocks of both counted");
  for (int i = 0; i < kBlocks; ++i) {
    if (ours[i][kBytes - 1] != (char)i || libcs[i][0] != (char)~i) return Fail("contents changed");
    if (mymalloc_malloc_usable_size(ours[i]) < kBytes) return Fail("too short");
    mymalloc_free(ours[i]);
    free(libcs[i]);
  }
  puts(arguments[0] != NULL ? "both work" : "");
  if (count > 1) mymalloc_free(ours[0]);
  return 0;
}
