// What the model knows of a block: where it must be, what must be in it, and that it is nobody
// else's.

#ifndef MYMALLOC_TESTS_STRESS_SHADOW_H_
#define MYMALLOC_TESTS_STRESS_SHADOW_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "mymalloc/mymalloc.h"
#include "mymalloc/page/size_class.h"
#include "tests/support/block.h"
#include "tests/support/check.h"

namespace mymalloc::test {

// A live block. Its contents are a pattern of its own: all of it, or both ends of a long one.
class Shadow {
 public:
  // Takes a fresh block of `size` bytes, looks at it, and fills it.
  Shadow(void* block, size_t size, size_t alignment, uint64_t seed)
      : block_(static_cast<char*>(block)), seed_(seed) {
    MYMALLOC_CHECK(block != nullptr);
    MYMALLOC_CHECK(IsAligned(block, alignment));
    usable_ = mymalloc_malloc_usable_size(block);
    MYMALLOC_CHECK(usable_ >= size);
    FillPattern(block_, Head(), seed_);
    if (HasTail()) FillPattern(block_ + usable_ - kEnd, kEnd, seed_);
  }

  void* block() const { return block_; }
  size_t usable() const { return usable_; }
  uintptr_t begin() const { return reinterpret_cast<uintptr_t>(block_); }
  uintptr_t end() const { return begin() + usable_; }

  void CheckContents() const {
    MYMALLOC_CHECK(mymalloc_malloc_usable_size(block_) == usable_);
    MYMALLOC_CHECK(MatchesPattern(block_, Head(), seed_));
    MYMALLOC_CHECK(!HasTail() || MatchesPattern(block_ + usable_ - kEnd, kEnd, seed_));
  }
  // After realloc to `size` bytes: what fits of the beginning is still there.
  void CheckMovedTo(const void* block, size_t size) const {
    MYMALLOC_CHECK(MatchesPattern(block, std::min(Head(), size), seed_));
  }

 private:
  static constexpr size_t kEnd = 4096;
  bool HasTail() const { return usable_ > 2 * kEnd; }
  size_t Head() const { return HasTail() ? kEnd : usable_; }

  char* block_;
  size_t usable_;
  uint64_t seed_;
};

// Whether no two blocks, tags included, share a byte.
inline bool AreApart(std::vector<Shadow> blocks) {
  std::sort(blocks.begin(), blocks.end(),
            [](const Shadow& a, const Shadow& b) { return a.begin() < b.begin(); });
  for (size_t i = 1; i < blocks.size(); ++i) {
    if (blocks[i - 1].end() > blocks[i].begin() - kTagBytes) return false;
  }
  return true;
}

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_STRESS_SHADOW_H_
