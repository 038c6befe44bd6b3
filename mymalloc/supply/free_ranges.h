// A set of free address ranges that grow together where they touch.
//
// The page supply keeps its ranges in these. Not thread safe: the owner locks.

#ifndef MYMALLOC_SUPPLY_FREE_RANGES_H_
#define MYMALLOC_SUPPLY_FREE_RANGES_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/supply/page_map.h"
#include "tree/interval_tree.h"

namespace mymalloc {

class FreeRanges {
 public:
  constexpr explicit FreeRanges(TreeNodes* nodes) : nodes_(nodes), tree_(nodes) {}

  // Adds a range. False when there is no memory for the tree: the range is then not in the set.
  bool Add(Interval range);

  // Adds a range that must not be lost: if there is no memory for the tree, the range's own first
  // unit becomes such memory. Returns how many bytes did. REQUIRES: the range is readable
  // and writable.
  size_t AddSurely(Interval range);

  // Adds a range that cannot be touched; if there is no memory for the tree, it is lost.
  void AddOrLose(Interval range);

  // Takes `bytes` from the front of the tightest range that has them. 0 when none has.
  uintptr_t Take(size_t bytes) { return TakeFront(tree_.TightestWithAtLeast(bytes), bytes); }

  // Takes the `bytes` that begin at `begin`, if they are the front of a free range.
  bool TakeAt(uintptr_t begin, size_t bytes);

  // Takes what of a range is in the set. Returns how many bytes that was. REQUIRES: no range of the
  // set goes on beyond both its ends.
  size_t TakeAll(Interval range);

  // Takes the longest range, but at most its last `most` bytes. False when the set is empty.
  bool TakeLongest(size_t most, Interval* range);

  size_t bytes() const { return bytes_; }
  // What AddSurely and AddOrLose did not add.
  size_t spent() const { return spent_; }
  size_t count() const { return tree_.size(); }

  using Tree = IntervalTree<uint64_t, TreeNodes>;
  const Tree& tree() const { return tree_; }

 private:
  friend struct Layout;

  uintptr_t TakeFront(const Tree::Entry& entry, size_t bytes);

  TreeNodes* nodes_;
  Tree tree_;
  size_t bytes_ = 0;
  size_t spent_ = 0;
};

}  // namespace mymalloc

#endif  // MYMALLOC_SUPPLY_FREE_RANGES_H_
