// An independent verifier of the interval tree: it recomputes every invariant from the ranges up
// and uses none of the tree's own searches or summaries to do so. It allocates nothing.
//
// Checked, for every node: its alignment, how full it is, unused keys; for every leaf: order,
// disjointness, its link to the next; for every inner node: each key and each summary; for the
// tree: its size and its levels.

#ifndef MYMALLOC_TREE_VERIFY_H_
#define MYMALLOC_TREE_VERIFY_H_

#include <cstddef>
#include <cstdint>

#include "tree/interval_tree.h"

namespace mymalloc {

// The first violation found in address order; false if there is none.
struct TreeViolation {
  const char* what = nullptr;
  const void* node = nullptr;  // where
  explicit operator bool() const { return what != nullptr; }
};

// A window into the tree's private parts, for the verifier and for tests that corrupt a tree.
template <typename Value, typename NodeAllocator>
class IntervalTreeInspector {
 public:
  using Tree = IntervalTree<Value, NodeAllocator>;
  using Leaf = typename Tree::Leaf;
  using Inner = typename Tree::Inner;

  static constexpr unsigned kMaxInnerLevels = Tree::kMaxInnerLevels;

  // For who reads a copy of another process's tree.
  static constexpr size_t kRootOffset = offsetof(Tree, root_);
  static constexpr size_t kLevelsOffset = offsetof(Tree, inner_levels_);
  static constexpr size_t kSizeOffset = offsetof(Tree, size_);

  static void* root(const Tree& tree) { return tree.root_; }
  static unsigned inner_levels(const Tree& tree) { return tree.inner_levels_; }
  static size_t& size(Tree* tree) { return tree->size_; }
};

namespace tree_internal {

template <typename Value, typename NodeAllocator>
class TreeVerifier {
  using Inspector = IntervalTreeInspector<Value, NodeAllocator>;
  using Tree = typename Inspector::Tree;
  using Leaf = typename Inspector::Leaf;

 public:
  explicit TreeVerifier(const Tree& tree) : tree_(tree) {}

  TreeViolation Run() {
    const void* root = Inspector::root(tree_);
    const unsigned levels = Inspector::inner_levels(tree_);
    if (root == nullptr) {
      Expect(tree_.size() == 0 && levels == 0, "an empty tree has a size or levels", nullptr);
      return violation_;
    }
    if (!Expect(levels <= Inspector::kMaxInnerLevels, "too many levels", root)) return violation_;
    Visit(root, levels, true);
    Expect(expected_leaf_ == nullptr, "the last leaf has a next one", last_leaf_);
    Expect(seen_ == tree_.size(), "the size is not the number of ranges", root);
    return violation_;
  }

 private:
  // What a subtree is found to hold.
  struct Found {
    uint64_t first_begin = 0;
    uint64_t longest = 0;
  };

  // Records the first failure only.
  bool Expect(bool condition, const char* what, const void* node) {
    if (!condition && !violation_) violation_ = {what, node};
    return condition;
  }

  Found Visit(const void* node, unsigned level, bool is_root) {
    const bool aligned = reinterpret_cast<uintptr_t>(node) % kTreeNodeAlignment == 0;
    if (!Expect(node != nullptr && aligned, "a node is null or not aligned", node)) return {};
    return level == 0 ? VisitLeaf(static_cast<const Leaf*>(node), is_root)
                      : VisitInner(static_cast<const Inner*>(node), level, is_root);
  }

  Found VisitLeaf(const Leaf* leaf, bool is_root) {
    const unsigned min = is_root ? 1 : Leaf::kMin;
    if (!Expect(leaf->count >= min, "a leaf has too few ranges", leaf) ||
        !Expect(leaf->count <= Leaf::kCapacity, "a leaf has too many ranges", leaf)) {
      return {};
    }
    Expect(last_leaf_ == nullptr || expected_leaf_ == leaf, "a leaf links to a wrong one",
           last_leaf_);
    Found found;
    found.first_begin = leaf->begins[0];
    for (unsigned i = 0; i < leaf->count; ++i) {
      const uint64_t begin = leaf->begins[i];
      const uint64_t end = leaf->payloads[i].end;
      Expect(begin < end, "a range is empty or reversed", leaf);
      Expect(last_end_ <= begin, "ranges overlap or are out of order", leaf);
      last_end_ = end;
      if (end - begin > found.longest) found.longest = end - begin;
    }
    for (unsigned i = leaf->size(); i < Leaf::kCapacity; ++i) {
      Expect(leaf->begins[i] == ~uint64_t{0}, "an unused key of a leaf is set", leaf);
    }
    seen_ += leaf->count;
    last_leaf_ = leaf;
    expected_leaf_ = leaf->next;
    return found;
  }

  Found VisitInner(const Inner* inner, unsigned level, bool is_root) {
    const unsigned min = is_root ? 2 : Inner::kMin;
    if (!Expect(inner->count >= min, "an inner node has too few children", inner) ||
        !Expect(inner->count <= Inner::kCapacity, "an inner node has too many children", inner)) {
      return {};
    }
    Found found;
    for (unsigned i = 0; i < inner->count && !violation_; ++i) {
      const Found child = Visit(inner->children[i], level - 1, false);
      Expect(inner->longest[i] == child.longest, "a summary is not that of the child", inner);
      if (i == 0) {
        found.first_begin = child.first_begin;
      } else {
        Expect(inner->keys[i - 1] == child.first_begin, "a key is not the child's least begin",
               inner);
      }
      if (child.longest > found.longest) found.longest = child.longest;
    }
    for (unsigned i = inner->size(); i < Inner::kCapacity; ++i) {
      Expect(inner->keys[i - 1] == ~uint64_t{0}, "an unused key of an inner node is set", inner);
    }
    return found;
  }

  const Tree& tree_;
  TreeViolation violation_;
  size_t seen_ = 0;
  uint64_t last_end_ = 0;
  const Leaf* last_leaf_ = nullptr;
  const Leaf* expected_leaf_ = nullptr;
};

}  // namespace tree_internal

template <typename Value, typename NodeAllocator>
TreeViolation Verify(const IntervalTree<Value, NodeAllocator>& tree) {
  return tree_internal::TreeVerifier<Value, NodeAllocator>(tree).Run();
}

}  // namespace mymalloc

#endif  // MYMALLOC_TREE_VERIFY_H_
