// glibc's malloc, but large blocks are mappings that the kernel cannot join with their neighbours.

#include <sys/mman.h>

#include "tests/benchmarks/shim.h"

namespace {

constexpr size_t kLarge = 4 << 20;
constexpr size_t kOsPage = 4096;

// In the page before the block.
struct Header {
  size_t mapped;
};

}  // namespace

extern "C" void* malloc(size_t size) {
  if (size < kLarge) return __libc_malloc(size);
  const size_t bytes = (size + 3 * kOsPage - 1) / kOsPage * kOsPage;  // And a page behind it.
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* base = static_cast<char*>(mapped);
  mprotect(base + bytes - kOsPage, kOsPage, PROT_NONE);
  static_cast<Header*>(mapped)->mapped = bytes;
  return base + kOsPage;
}

// Blocks of glibc's are page-aligned nowhere in what this is tried on.
extern "C" void free(void* block) {
  if (block == nullptr || reinterpret_cast<size_t>(block) % kOsPage != 0) return __libc_free(block);
  void* mapped = static_cast<char*>(block) - kOsPage;
  munmap(mapped, static_cast<Header*>(mapped)->mapped);
}
