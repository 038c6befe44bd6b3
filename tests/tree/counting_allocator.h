// A node allocator for tests: it knows every live node, hands out dirty memory, spoils what is
// given back, and can be told to fail.

#ifndef MYMALLOC_TESTS_TREE_COUNTING_ALLOCATOR_H_
#define MYMALLOC_TESTS_TREE_COUNTING_ALLOCATOR_H_

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <set>

#include "gtest/gtest.h"
#include "tree/interval_tree.h"

namespace mymalloc {

class CountingAllocator {
 public:
  static constexpr size_t kNever = ~size_t{0};

  CountingAllocator() = default;
  CountingAllocator(const CountingAllocator&) = delete;
  CountingAllocator& operator=(const CountingAllocator&) = delete;
  ~CountingAllocator() { EXPECT_EQ(live_.size(), 0u) << "nodes leaked"; }

  void* AllocateNode() {
    if (allowed_ != kNever && allowed_-- == 0) {
      allowed_ = 0;
      ++failures_;
      return nullptr;
    }
    void* node = aligned_alloc(kTreeNodeAlignment, kTreeNodeBytes);
    std::memset(node, kDirt, kTreeNodeBytes);
    live_.insert(node);
    return node;
  }

  void FreeNode(void* node) {
    ASSERT_EQ(live_.erase(node), 1u) << "not a live node";
    std::memset(node, kDirt, kTreeNodeBytes);
    free(node);
  }

  // From now on, the first `allowed` allocations succeed and the others fail.
  void FailAfter(size_t allowed) { allowed_ = allowed; }

  size_t live() const { return live_.size(); }
  size_t failures() const { return failures_; }

 private:
  static constexpr int kDirt = 0xA5;

  std::set<void*> live_;
  size_t allowed_ = kNever;
  size_t failures_ = 0;
};

}  // namespace mymalloc

#endif  // MYMALLOC_TESTS_TREE_COUNTING_ALLOCATOR_H_
