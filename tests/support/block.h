// Blocks under test: contents that betray any foreign write, values that the optimiser cannot see
// through, and libc names that this machine's headers do not declare.

#ifndef MYMALLOC_TESTS_SUPPORT_BLOCK_H_
#define MYMALLOC_TESTS_SUPPORT_BLOCK_H_

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>

namespace mymalloc::test {

inline constexpr size_t kKiB = 1024;
inline constexpr size_t kMiB = 1024 * kKiB;

// The same value, but the compiler no longer knows which: it neither warns of a size that is wrong
// on purpose nor folds a call away.
template <typename T>
T Opaque(T value) {
  volatile T opaque = value;
  return opaque;
}

// Fills all `size` bytes with a pattern of the seed's own.
void FillPattern(void* block, size_t size, uint64_t seed);

// Whether the first `size` bytes still are what FillPattern wrote.
bool MatchesPattern(const void* block, size_t size, uint64_t seed);

bool IsZero(const void* block, size_t size);

inline bool IsAligned(const void* block, size_t alignment) {
  return reinterpret_cast<uintptr_t>(block) % alignment == 0;
}

// The function that the program's own calls of `name` would reach, or null if there is none.
template <typename Function>
Function* LibcName(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_SUPPORT_BLOCK_H_
