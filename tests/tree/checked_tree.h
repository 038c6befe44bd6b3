// The tree under test beside a model of it, a std::map: each operation is done on both, and the
// answers must agree.

#ifndef MYMALLOC_TESTS_TREE_CHECKED_TREE_H_
#define MYMALLOC_TESTS_TREE_CHECKED_TREE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

#include "gtest/gtest.h"
#include "tests/tree/counting_allocator.h"
#include "tree/interval_tree.h"
#include "tree/verify.h"

namespace mymalloc {

class CheckedTree {
 public:
  using Tree = IntervalTree<uint64_t, CountingAllocator>;
  using Entry = Tree::Entry;

  CheckedTree() : tree_(&allocator_) {}
  ~CheckedTree() { tree_.Clear(); }

  const Tree& tree() const { return tree_; }
  CountingAllocator& allocator() { return allocator_; }
  size_t size() const { return model_.size(); }

  // Returns whether the range could be inserted.
  bool Insert(const Interval& range, uint64_t value) {
    const bool fits = !ModelOverlaps(range);
    const size_t nodes = allocator_.live();
    const size_t failures = allocator_.failures();
    const InsertResult result = tree_.Insert(range, value);
    if (allocator_.failures() != failures) {
      EXPECT_EQ(result, InsertResult::kNoMemory) << range.begin;
      EXPECT_EQ(allocator_.live(), nodes) << "lost a node";
      return false;
    }
    EXPECT_EQ(result, fits ? InsertResult::kInserted : InsertResult::kOverlaps) << range.begin;
    if (fits) model_[range.begin] = {range.end, value};
    return fits;
  }

  bool Erase(uint64_t begin) {
    const auto it = model_.find(begin);
    ExpectEntry(tree_.Erase(begin), it);
    if (it == model_.end()) return false;
    model_.erase(it);
    return true;
  }

  // Grows, shrinks or moves the range at `begin` within the gap between its neighbours.
  void Replace(uint64_t begin, Interval range, uint64_t value) {
    const auto it = model_.find(begin);
    if (it == model_.end()) {
      EXPECT_FALSE(tree_.Replace(begin, range, value));
      return;
    }
    const auto next = std::next(it);
    const uint64_t floor = it == model_.begin() ? 0 : std::prev(it)->second.end;
    if (range.begin < floor) range.begin = floor;
    if (next != model_.end() && range.end > next->first) range.end = next->first;
    if (range.begin >= range.end) return;
    EXPECT_TRUE(tree_.Replace(begin, range, value));
    model_.erase(it);
    model_[range.begin] = {range.end, value};
  }

  // Every way of asking about an address.
  void ExpectSameAt(uint64_t address) const {
    const auto above = model_.upper_bound(address);
    const auto at_or_before = above == model_.begin() ? model_.end() : std::prev(above);
    const bool hit = at_or_before != model_.end() && address < at_or_before->second.end;
    ExpectEntry(tree_.Stab(address), hit ? at_or_before : model_.end());
    ExpectEntry(tree_.Find(address), model_.find(address));
    const auto from = model_.lower_bound(address);
    ExpectEntry(tree_.Successor(address), from);
    ExpectEntry(tree_.Predecessor(address),
                from == model_.begin() ? model_.end() : std::prev(from));
  }

  void ExpectSameOverlaps(const Interval& range) const {
    auto it = model_.upper_bound(range.begin);
    if (it != model_.begin() && std::prev(it)->second.end > range.begin) --it;
    const bool complete = tree_.Overlap(range, [&](const Entry& entry) {
      EXPECT_LT(entry.range.begin, range.end);
      ExpectEntry(entry, it++);
      return !::testing::Test::HasFailure();
    });
    EXPECT_TRUE(complete);
    EXPECT_TRUE(it == model_.end() || it->first >= range.end) << "an overlap was missed";
  }

  // Room finding; looks at every range.
  void ExpectSameRoom(uint64_t length) const {
    uint64_t longest = 0;
    for (const auto& [begin, rest] : model_) longest = std::max(longest, rest.end - begin);
    EXPECT_EQ(tree_.Longest(), longest);
    auto first = model_.begin();
    while (first != model_.end() && first->second.end - first->first < length) ++first;
    ExpectEntry(tree_.FirstWithAtLeast(length), first);
    ExpectEntry(tree_.TightestWithAtLeast(length), ModelTightest(length));
  }

  // The walk, the size, and the verifier's verdict.
  void ExpectSound() const {
    const TreeViolation violation = Verify(tree_);
    ASSERT_FALSE(violation) << violation.what;
    ASSERT_EQ(tree_.size(), model_.size());
    ASSERT_EQ(tree_.empty(), model_.empty());
    auto it = model_.begin();
    for (const Entry& entry : tree_) {
      ASSERT_NE(it, model_.end());
      ExpectEntry(entry, it++);
    }
    ASSERT_EQ(it, model_.end());
  }

 private:
  struct End {
    uint64_t end;
    uint64_t value;
  };
  using Model = std::map<uint64_t, End>;
  using Inspector = IntervalTreeInspector<uint64_t, CountingAllocator>;

  bool ModelOverlaps(const Interval& range) const {
    const auto it = model_.lower_bound(range.end);
    return it != model_.begin() && std::prev(it)->second.end > range.begin;
  }

  void ExpectEntry(const Entry& entry, Model::const_iterator expected) const {
    ASSERT_EQ(static_cast<bool>(entry), expected != model_.end());
    if (!entry) return;
    EXPECT_EQ(entry.range.begin, expected->first);
    EXPECT_EQ(entry.range.end, expected->second.end);
    EXPECT_EQ(entry.value, expected->second.value);
  }

  // Descends as TightestWithAtLeast promises to, by the true longest lengths of the subtrees.
  Model::const_iterator ModelTightest(uint64_t length) const {
    const void* node = Inspector::root(tree_);
    if (node == nullptr) return model_.end();
    for (unsigned level = Inspector::inner_levels(tree_); level > 0; --level) {
      const auto* inner = static_cast<const Inspector::Inner*>(node);
      uint64_t best = ~uint64_t{0};
      for (unsigned i = 0; i < inner->size(); ++i) {
        const uint64_t longest = TrueLongest(inner->children[i], level - 1);
        if (longest < length || longest >= best) continue;
        best = longest;
        node = inner->children[i];
      }
      if (best == ~uint64_t{0}) return model_.end();
    }
    const auto* leaf = static_cast<const Inspector::Leaf*>(node);
    auto best = model_.end();
    for (auto it = model_.find(leaf->begins[0]); it != model_.end(); ++it) {
      if (it->first > leaf->begins[leaf->size() - 1]) break;
      const uint64_t found = it->second.end - it->first;
      if (found < length) continue;
      if (best == model_.end() || found < best->second.end - best->first) best = it;
    }
    return best;
  }

  static uint64_t TrueLongest(const void* node, unsigned level) {
    uint64_t longest = 0;
    if (level > 0) {
      const auto* inner = static_cast<const Inspector::Inner*>(node);
      for (unsigned i = 0; i < inner->size(); ++i) {
        longest = std::max(longest, TrueLongest(inner->children[i], level - 1));
      }
      return longest;
    }
    const auto* leaf = static_cast<const Inspector::Leaf*>(node);
    for (unsigned i = 0; i < leaf->size(); ++i) {
      longest = std::max(longest, leaf->payloads[i].end - leaf->begins[i]);
    }
    return longest;
  }

  CountingAllocator allocator_;
  Tree tree_;
  Model model_;
};

}  // namespace mymalloc

#endif  // MYMALLOC_TESTS_TREE_CHECKED_TREE_H_
