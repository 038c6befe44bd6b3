// The units that everything is counted in, and rounding between them.

#ifndef MYMALLOC_BASE_UNITS_H_
#define MYMALLOC_BASE_UNITS_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/arch.h"  // IWYU pragma: export (KernelPage)

namespace mymalloc {

constexpr size_t kKiB = 1024;
constexpr size_t kMiB = 1024 * kKiB;
constexpr size_t kGiB = 1024 * kMiB;

// What slab pages begin on and are a multiple of, and with them all that the page supply hands out:
// the shortest page has 256 slots of kBlockAlignment. Whatever the kernel's page is (KernelPage).
constexpr size_t kPageUnit = 4 * kKiB;
// What every pointer handed out is a multiple of: alignof(max_align_t).
constexpr size_t kBlockAlignment = 16;
static_assert(kBlockAlignment == alignof(std::max_align_t), "malloc's promise");

constexpr bool IsPowerOfTwo(size_t n) { return n != 0 && (n & (n - 1)) == 0; }

// REQUIRES: unit is a power of two, and the result does not overflow.
constexpr uint64_t RoundUp(uint64_t n, uint64_t unit) { return (n + unit - 1) & ~(unit - 1); }
constexpr uint64_t RoundDown(uint64_t n, uint64_t unit) { return n & ~(unit - 1); }

template <typename T>
constexpr T Min(T a, T b) {
  return b < a ? b : a;
}
template <typename T>
constexpr T Max(T a, T b) {
  return a < b ? b : a;
}

}  // namespace mymalloc

#endif  // MYMALLOC_BASE_UNITS_H_
