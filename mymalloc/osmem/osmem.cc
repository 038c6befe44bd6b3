// The names of libosmem.so, and what each does with its arguments.

#include "mymalloc/osmem.h"

#include <errno.h>
#include <string.h>

#include "mymalloc/base/arch.h"
#include "mymalloc/osmem/blocks.h"

#define MYMALLOC_API extern "C" __attribute__((visibility("default")))

namespace osmem = mymalloc::osmem;
using mymalloc::Call;
using mymalloc::Kind;

namespace {

uintptr_t ToAddress(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

}  // namespace

MYMALLOC_API void* os_malloc(size_t n) noexcept {
  return n != 0 ? osmem::Allocate(n, MMAP_THRESHOLD).pointer : nullptr;
}

MYMALLOC_API void* os_calloc(size_t count, size_t size) noexcept {
  size_t n;
  if (__builtin_mul_overflow(count, size, &n)) {
    errno = ENOMEM;
    return nullptr;
  }
  if (n == 0) return nullptr;
  const mymalloc::NewBlock block = osmem::Allocate(n, mymalloc::KernelPage());
  return block.zeroed || block.pointer == nullptr ? block.pointer : memset(block.pointer, 0, n);
}

MYMALLOC_API void* os_realloc(void* pointer, size_t n) noexcept {
  if (pointer == nullptr) return os_malloc(n);
  const Call call = {"os_realloc", Kind::kMalloc, MYMALLOC_CALLER()};
  if (n != 0) return osmem::Reallocate(ToAddress(pointer), n, call);
  osmem::Free(ToAddress(pointer), call);
  return nullptr;
}

MYMALLOC_API void os_free(void* pointer) noexcept {
  if (pointer == nullptr) return;
  osmem::Free(ToAddress(pointer), {"os_free", Kind::kMalloc, MYMALLOC_CALLER()});
}
