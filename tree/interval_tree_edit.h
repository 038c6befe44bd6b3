// The edits of the interval tree: the second half of interval_tree.h, not to be included alone.
//
// Insert  -> Trace -> room in the leaf ------------------------> RaiseLongest
//                  -> ReserveFor -> SplitAndInsert -> AddSibling (a level, or more, or GrowRoot)
// Erase   -> Trace -> RemoveAt -> SetFirstKey -> LowerLongest
//                                             -> Rebalance -> BalanceChild ... ShrinkRoot
// Replace -> Trace -> SetFirstKey -> RaiseLongest or LowerLongest

#ifndef MYMALLOC_TREE_INTERVAL_TREE_EDIT_H_
#define MYMALLOC_TREE_INTERVAL_TREE_EDIT_H_

#include "tree/interval_tree.h"

namespace mymalloc {

template <typename Value, typename NodeAllocator>
inline auto IntervalTree<Value, NodeAllocator>::Trace(uint64_t limit, Path* path) -> Leaf* {
  void* node = root_;
  for (unsigned level = inner_levels_; level-- > 0;) {
    Inner* inner = static_cast<Inner*>(node);
    const unsigned index = inner->Find(limit);
    path->steps[level] = {inner, index};
    node = inner->children[index];
    if (level == 0) {
      PrefetchLeaf(node);
      __builtin_prefetch(&inner->longest[index]);
    }
  }
  return static_cast<Leaf*>(node);
}

// ---- Insert ----

template <typename Value, typename NodeAllocator>
InsertResult IntervalTree<Value, NodeAllocator>::Insert(const Interval& range, const Value& value) {
  if (root_ == nullptr) return InsertFirst(range, value);
  Path path;
  Leaf* leaf = Trace(range.begin + 1, &path);
  const unsigned index = leaf->Find(range.begin + 1);
  if (!leaf->HasGapAt(index, range)) return InsertResult::kOverlaps;
  if (leaf->size() < Leaf::kCapacity) {
    leaf->Insert(index, range, value);
    RaiseLongest(path, 0, range.length());
  } else {
    Reserve reserve;
    if (!ReserveFor(path, &reserve)) return InsertResult::kNoMemory;
    SplitAndInsert(leaf, index, range, value, path, &reserve);
  }
  ++size_;
  return InsertResult::kInserted;
}

template <typename Value, typename NodeAllocator>
InsertResult IntervalTree<Value, NodeAllocator>::InsertFirst(const Interval& range,
                                                             const Value& value) {
  void* memory = allocator_->AllocateNode();
  if (memory == nullptr) return InsertResult::kNoMemory;
  Leaf* leaf = NewNode<Leaf>(memory);
  leaf->Insert(0, range, value);
  root_ = leaf;
  size_ = 1;
  return InsertResult::kInserted;
}

// A node for the leaf, one for each full inner node right above it, and one for a new root if all
// are full.
template <typename Value, typename NodeAllocator>
bool IntervalTree<Value, NodeAllocator>::ReserveFor(const Path& path, Reserve* reserve) {
  unsigned full = 0;
  while (full < inner_levels_ && path.steps[full].node->size() == Inner::kCapacity) ++full;
  const unsigned needed = 1 + full + (full == inner_levels_ ? 1 : 0);
  while (reserve->count < needed) {
    void* memory = allocator_->AllocateNode();
    if (memory == nullptr) {
      while (reserve->count > 0) allocator_->FreeNode(reserve->Take());
      return false;
    }
    reserve->nodes[reserve->count++] = memory;
  }
  return true;
}

template <typename Value, typename NodeAllocator>
void IntervalTree<Value, NodeAllocator>::SplitAndInsert(Leaf* leaf, unsigned index,
                                                        const Interval& range, const Value& value,
                                                        const Path& path, Reserve* reserve) {
  Leaf* right = NewNode<Leaf>(reserve->Take());
  const unsigned keep = tree_internal::SplitPoint(Leaf::kCapacity, Leaf::kMin, index);
  leaf->SpillTo(right, keep, tree_internal::kNoKey);
  right->next = leaf->next;
  leaf->next = right;
  if (index <= keep) {
    leaf->Insert(index, range, value);
  } else {
    right->Insert(index - keep, range, value);
  }
  AddSibling(path, {leaf->Longest(), right->begins[0], right, right->Longest()}, range.length(),
             reserve);
}

// Enters a new leaf into its parent, and splits upwards as long as parents are full. `length` is
// that of the range whose insertion caused it all.
template <typename Value, typename NodeAllocator>
void IntervalTree<Value, NodeAllocator>::AddSibling(const Path& path, Sibling added,
                                                    uint64_t length, Reserve* reserve) {
  for (unsigned level = 0; level < inner_levels_; ++level) {
    Inner* node = path.steps[level].node;
    const unsigned index = path.steps[level].index + 1;
    node->longest[index - 1] = added.left_longest;
    if (node->size() < Inner::kCapacity) {
      node->Insert(index, added.key, added.node, added.longest);
      RaiseLongest(path, level + 1, length);
      return;
    }
    Inner* right = NewNode<Inner>(reserve->Take());
    const unsigned keep = tree_internal::SplitPoint(Inner::kCapacity, Inner::kMin, index);
    const uint64_t key = node->SpillTo(right, keep, tree_internal::kNoKey);
    if (index <= keep) {
      node->Insert(index, added.key, added.node, added.longest);
    } else {
      right->Insert(index - keep, added.key, added.node, added.longest);
    }
    added = {node->Longest(), key, right, right->Longest()};
  }
  GrowRoot(added, reserve->Take());
}

template <typename Value, typename NodeAllocator>
void IntervalTree<Value, NodeAllocator>::GrowRoot(const Sibling& added, void* memory) {
  Inner* root = NewNode<Inner>(memory);
  root->children[0] = root_;
  root->longest[0] = added.left_longest;
  root->count = 1;
  root->Insert(1, added.key, added.node, added.longest);
  root_ = root;
  ++inner_levels_;
}

// ---- Erase ----

template <typename Value, typename NodeAllocator>
auto IntervalTree<Value, NodeAllocator>::Erase(uint64_t begin) -> Entry {
  if (root_ == nullptr) return Entry{};
  Path path;
  Leaf* leaf = Trace(begin + 1, &path);
  const unsigned index = leaf->Find(begin + 1);
  if (index == 0 || leaf->begins[index - 1] != begin) return Entry{};
  const Entry erased = EntryAt(leaf, index - 1);
  RemoveAt(leaf, index - 1, path);
  return erased;
}

template <typename Value, typename NodeAllocator>
void IntervalTree<Value, NodeAllocator>::RemoveAt(Leaf* leaf, unsigned index, const Path& path) {
  const uint64_t length = leaf->length(index);
  leaf->Remove(index);
  --size_;
  if (inner_levels_ == 0) {
    if (leaf->size() == 0) Clear();
    return;
  }
  if (index == 0) SetFirstKey(path, leaf->begins[0]);  // there is one: kMin is not 1
  if (leaf->size() < Leaf::kMin) {
    Rebalance(path, length);
  } else {
    LowerLongest(path, 0, length);
  }
}

// Mends a leaf that has too few entries, and then inner nodes upwards as long as merges leave one
// with too few children.
template <typename Value, typename NodeAllocator>
void IntervalTree<Value, NodeAllocator>::Rebalance(const Path& path, uint64_t removed) {
  unsigned level = 0;
  bool merged = BalanceChild<Leaf>(path.steps[0]);
  while (++level < inner_levels_ && merged && path.steps[level - 1].node->size() < Inner::kMin) {
    merged = BalanceChild<Inner>(path.steps[level]);
  }
  LowerLongest(path, level, removed);
  if (static_cast<Inner*>(root_)->size() == 1) ShrinkRoot();
}

// Evens a child out with a sibling, or merges the two and returns true. What the parent knows of
// them is then up to date.
template <typename Value, typename NodeAllocator>
template <typename Node>
bool IntervalTree<Value, NodeAllocator>::BalanceChild(const typename Path::Step& step) {
  Inner* parent = step.node;
  const unsigned i = step.index + 1 < parent->size() ? step.index : step.index - 1;
  Node* left = static_cast<Node*>(parent->children[i]);
  Node* right = static_cast<Node*>(parent->children[i + 1]);
  const unsigned total = left->size() + right->size();
  const unsigned keep = total <= Node::kMergeLimit ? total : total / 2;
  const uint64_t key = parent->keys[i];
  parent->keys[i] = left->size() > keep ? left->SpillTo(right, keep, key)
                                        : left->TakeFrom(right, keep - left->size(), key);
  parent->longest[i] = left->Longest();
  if (keep < total) {
    parent->longest[i + 1] = right->Longest();
    return false;
  }
  parent->Remove(i + 1);
  allocator_->FreeNode(right);
  return true;
}

template <typename Value, typename NodeAllocator>
void IntervalTree<Value, NodeAllocator>::ShrinkRoot() {
  Inner* old = static_cast<Inner*>(root_);
  root_ = old->children[0];
  --inner_levels_;
  allocator_->FreeNode(old);
}

// ---- Replace ----

template <typename Value, typename NodeAllocator>
bool IntervalTree<Value, NodeAllocator>::Replace(uint64_t begin, const Interval& range,
                                                 const Value& value) {
  if (root_ == nullptr) return false;
  Path path;
  Leaf* leaf = Trace(begin + 1, &path);
  const unsigned index = leaf->Find(begin + 1);
  if (index == 0 || leaf->begins[index - 1] != begin) return false;
  const uint64_t old_length = leaf->length(index - 1);
  leaf->Set(index - 1, range, value);
  if (index == 1 && range.begin != begin) SetFirstKey(path, range.begin);
  if (range.length() >= old_length) {
    RaiseLongest(path, 0, range.length());
  } else {
    LowerLongest(path, 0, old_length);
  }
  return true;
}

// ---- What inner nodes know ----

// The key for the first entry of a leaf stands where the way to the leaf last did not keep to the
// far left; for the first leaf of all there is none.
template <typename Value, typename NodeAllocator>
void IntervalTree<Value, NodeAllocator>::SetFirstKey(const Path& path, uint64_t begin) {
  for (unsigned level = 0; level < inner_levels_; ++level) {
    const auto& step = path.steps[level];
    if (step.index > 0) {
      step.node->keys[step.index - 1] = begin;
      return;
    }
  }
}

// A range of `length` is now under the child.
template <typename Value, typename NodeAllocator>
inline void IntervalTree<Value, NodeAllocator>::RaiseLongest(const Path& path, unsigned level,
                                                             uint64_t length) {
  for (; level < inner_levels_; ++level) {
    uint64_t& longest = path.steps[level].node->longest[path.steps[level].index];
    if (longest >= length) return;
    longest = length;
  }
}

// A range that was `removed` long is no longer under the child, or shorter. Only if it was the
// longest must the child be looked through.
template <typename Value, typename NodeAllocator>
inline void IntervalTree<Value, NodeAllocator>::LowerLongest(const Path& path, unsigned level,
                                                             uint64_t removed) {
  for (; level < inner_levels_; ++level) {
    const auto& step = path.steps[level];
    uint64_t& longest = step.node->longest[step.index];
    if (removed < longest) return;
    const uint64_t fresh =
        level == 0 ? static_cast<const Leaf*>(step.node->children[step.index])->Longest()
                   : path.steps[level - 1].node->Longest();
    if (fresh == longest) return;
    longest = fresh;
  }
}

// ---- Clear ----

template <typename Value, typename NodeAllocator>
void IntervalTree<Value, NodeAllocator>::Clear() {
  if (root_ != nullptr) FreeTree(root_, inner_levels_);
  root_ = nullptr;
  inner_levels_ = 0;
  size_ = 0;
}

template <typename Value, typename NodeAllocator>
void IntervalTree<Value, NodeAllocator>::FreeTree(void* node, unsigned inner_levels) {
  if (inner_levels > 0) {
    const Inner* inner = static_cast<const Inner*>(node);
    for (unsigned i = 0; i < inner->size(); ++i) FreeTree(inner->children[i], inner_levels - 1);
  }
  allocator_->FreeNode(node);
}

}  // namespace mymalloc

#endif  // MYMALLOC_TREE_INTERVAL_TREE_EDIT_H_
