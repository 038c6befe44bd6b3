// What step 3 brings, and the later steps keep: sizes come in classes. By 16 up to 256, then four
// to a doubling, so that at most a fifth of a longer block is wasted.

#ifndef BENCHMARKS_STEPS_SIZE_CLASSES_H_
#define BENCHMARKS_STEPS_SIZE_CLASSES_H_

#include <stddef.h>

namespace steps {

constexpr unsigned kClasses = 44;
constexpr size_t kLargest = 32 << 10;  // Of the last class.

// REQUIRES: 1 <= size <= kLargest.
constexpr unsigned ClassOf(size_t size) {
  if (size <= 256) return static_cast<unsigned>((size - 1) / 16);
  const unsigned doubling = 63 - static_cast<unsigned>(__builtin_clzl(size - 1));
  return 12 + (doubling - 8) * 4 + static_cast<unsigned>((size - 1) >> (doubling - 2));
}

constexpr size_t SizeOf(unsigned size_class) {
  if (size_class < 16) return (size_class + 1) * size_t{16};
  return (size_t{5} + size_class % 4) << (6 + (size_class - 16) / 4);
}

static_assert(ClassOf(1) == 0 && ClassOf(256) == 15 && ClassOf(257) == 16 && ClassOf(321) == 17 &&
                  ClassOf(512) == 19 && ClassOf(513) == 20 && ClassOf(kLargest) == kClasses - 1,
              "each size has one class");
static_assert(SizeOf(15) == 256 && SizeOf(16) == 320 && SizeOf(kClasses - 1) == kLargest,
              "and each class the size of its longest");

}  // namespace steps

#endif  // BENCHMARKS_STEPS_SIZE_CLASSES_H_
