#include "mymalloc/override/api.h"

namespace mymalloc::api {
namespace {

// Beyond this a difference of pointers overflows: such requests fail.
constexpr size_t kLargest = PTRDIFF_MAX;

constexpr Call kReallocArray = {"reallocarray"};
constexpr Call kFreeSized = {"free_sized"};
constexpr Call kFreeAlignedSized = {"free_aligned_sized"};

constexpr size_t kHighestPower = SIZE_MAX / 2 + 1;

void* Invalid() {
  errno = EINVAL;
  return nullptr;
}

}  // namespace

void* MallocMedium(size_t n, Kind kind) {
  return n <= kLargest ? AllocateMedium(n, kind).pointer : NoMemory();
}

void* CallocMedium(size_t n) {
  if (n > kLargest) return NoMemory();
  const NewBlock block = AllocateMedium(n);
  return block.zeroed || block.pointer == nullptr ? block.pointer : memset(block.pointer, 0, n);
}

void* Realloc(void* pointer, size_t n, const Call& called) {
  if (pointer == nullptr) return Malloc(n);
  if (n == 0) {
    Free(pointer, {called.name, called.frees, MYMALLOC_CALLER_OF(called)});
    return nullptr;
  }
  return n <= kLargest ? Reallocate(pointer, n, called) : NoMemory();
}

void* ReallocArray(void* pointer, size_t count, size_t size) {
  size_t n;
  if (__builtin_mul_overflow(count, size, &n)) return NoMemory();
  return Realloc(pointer, n, kReallocArray);
}

void* Memalign(size_t alignment, size_t n) {
  if (alignment > kHighestPower) return Invalid();
  size_t power = kBlockAlignment;
  while (power < alignment) power *= 2;
  if (power > kLargest || n > kLargest - power) return NoMemory();
  return AllocateAligned(power, n);
}

void* AlignedAlloc(size_t alignment, size_t n) {
  return IsPowerOfTwo(alignment) ? Memalign(alignment, n) : Invalid();
}

int PosixMemalign(void** result, size_t alignment, size_t n, Kind kind) {
  if (alignment % sizeof(void*) != 0 || !IsPowerOfTwo(alignment)) return EINVAL;
  if (alignment > kLargest || n > kLargest - alignment) return ENOMEM;
  const int saved_errno = errno;  // POSIX: the result says it
  void* const pointer = AllocateAligned(alignment, n, kind);
  errno = saved_errno;
  if (pointer == nullptr) return ENOMEM;
  *result = pointer;
  return 0;
}

void* Valloc(size_t n) { return Memalign(KernelPage(), n); }

void* Pvalloc(size_t n) {
  if (n > kLargest - KernelPage()) return NoMemory();
  return Memalign(KernelPage(), n == 0 ? KernelPage() : RoundUp(n, KernelPage()));
}

void FreeSized(void* pointer, size_t n) {
  FreeKnownSlow(pointer, n, 1, /*exact=*/false, kFreeSized);
}

void FreeAlignedSized(void* pointer, size_t alignment, size_t n) {
  FreeKnownSlow(pointer, n, alignment, /*exact=*/true, kFreeAlignedSized);
}

}  // namespace mymalloc::api
