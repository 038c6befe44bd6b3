// glibc's malloc, but it writes to the middle of a large block that is in use; its ends stay as
// they are.

#include "tests/benchmarks/shim.h"

static char* last = nullptr;
static size_t last_size = 0;

extern "C" void* malloc(size_t size) {
  void* block = __libc_malloc(size);
  if (size < 32768) return block;
  if (last != nullptr) last[last_size / 2] = static_cast<char>(~last[last_size / 2]);
  last = static_cast<char*>(block);
  last_size = size;
  return block;
}

extern "C" void free(void* block) {
  if (block == last) last = nullptr;
  __libc_free(block);
}
