// The model of the API's fuzz target: what is live, and what lately was.

#ifndef MYMALLOC_TESTS_FUZZ_LIVE_BLOCKS_H_
#define MYMALLOC_TESTS_FUZZ_LIVE_BLOCKS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/stress/accounts.h"
#include "tests/stress/shadow.h"
#include "tests/support/block.h"
#include "tests/support/check.h"

namespace mymalloc::test {

struct LiveBlock {
  enum Kind { kPlain, kAligned, kOther };  // which sized free takes it

  Shadow shadow;
  Kind kind;
  size_t size;  // as requested
  size_t alignment;
};

class LiveBlocks {
 public:
  static constexpr size_t kMost = 4096;
  static constexpr size_t kMostBytes = 32 * kMiB;

  size_t size() const { return blocks_.size(); }
  bool empty() const { return blocks_.empty(); }
  bool HasRoomFor(size_t count, size_t bytes) const {
    return blocks_.size() + count <= kMost && bytes_ + count * bytes <= kMostBytes;
  }

  // A new block, which is now the last.
  void Add(void* pointer, LiveBlock::Kind kind, size_t size, size_t alignment) {
    const Shadow shadow(pointer, size, alignment, ++seed_);
    bytes_ += shadow.usable();
    blocks_.push_back({shadow, kind, size, alignment});
  }

  const LiveBlock& last() const { return blocks_.back(); }
  void MakeLast(size_t i) { std::swap(blocks_[i], blocks_.back()); }

  // The last block is about to be freed.
  void RemoveLast() {
    const Shadow shadow = last().shadow;
    shadow.CheckContents();
    bytes_ -= shadow.usable();
    blocks_.pop_back();
    freed_[freed_count_++ % freed_.size()] = shadow.block();
  }

  // One of those that were freed lately and are not live again; null if it is, or there is none.
  void* Freed(size_t i) const {
    const size_t known = std::min(freed_count_, freed_.size());
    if (known == 0) return nullptr;
    void* const pointer = freed_[i % known];
    const bool live_again = std::any_of(blocks_.begin(), blocks_.end(), [&](const auto& block) {
      return block.shadow.block() == pointer;
    });
    return live_again ? nullptr : pointer;
  }

  void CheckAll() const {
    std::vector<Shadow> all;
    for (const LiveBlock& block : blocks_) all.push_back(block.shadow);
    const std::string wrong = FindWrong(all);
    if (!wrong.empty()) CheckFailed("the heap", wrong.c_str());
  }

 private:
  std::vector<LiveBlock> blocks_;
  size_t bytes_ = 0;
  uint64_t seed_ = 0;
  std::array<void*, 16> freed_{};  // a ring
  size_t freed_count_ = 0;
};

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_FUZZ_LIVE_BLOCKS_H_
