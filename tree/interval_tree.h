// An augmented interval tree: pairwise disjoint address ranges, each with an 8-byte value.
//
//   which range holds this address?     Stab
//   what is next to this address?       Find, Predecessor, Successor, Overlap, begin/end
//   where is room for n bytes?          FirstWithAtLeast, TightestWithAtLeast
//   change                              Insert, Erase, Replace
//
// Each takes O(log n) steps (Overlap and walks: plus one for each range seen).
//
// It is a B+ tree: the ranges lie in leaves, in address order; inner nodes hold the least begin
// under each child but the first. Since ranges are disjoint, these keys alone lead to the only leaf
// that can hold an address. The augmentation is, for each child, the length of the longest range
// under it; with that, room finding never enters a subtree in vain. A node whose summary an edit
// leaves unchanged ends the climb: no ancestor can have changed either.
//
// Memory: nodes of kTreeNodeBytes come from the caller's NodeAllocator, which has
//
//   void* AllocateNode();       // nullptr if it has none
//   void FreeNode(void* node);
//
// Nodes are aligned to kTreeNodeAlignment, and not cleared. Only Insert allocates, and it has all
// the nodes it needs before it changes anything. The destructor is trivial, so that a global tree
// outlives every other destructor: Clear frees the nodes. A tree is constant-initialised.
//
// Not thread safe: the caller locks. const functions may run side by side, and TryStab beside an
// edit.

#ifndef MYMALLOC_TREE_INTERVAL_TREE_H_
#define MYMALLOC_TREE_INTERVAL_TREE_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "tree/interval.h"
#include "tree/interval_node.h"

namespace mymalloc {

enum class InsertResult { kInserted, kOverlaps, kNoMemory };

template <typename Value, typename NodeAllocator>
class IntervalTree {
  static_assert(std::is_trivial<Value>::value && sizeof(Value) == sizeof(uint64_t),
                "values are moved, and cleared, as words");

  using Leaf = tree_internal::Leaf<Value>;
  using Inner = tree_internal::Inner;

 public:
  // What lookups return, by value; false, and all zero, if there is no such range.
  struct Entry {
    Interval range;
    Value value{};
    explicit operator bool() const { return !range.empty(); }
  };

  // Walks in address order. Any edit of the tree ends the life of its iterators; for a walk that
  // edits, go from entry to entry with Successor(entry.range.end).
  class Iterator {
   public:
    Entry operator*() const { return EntryAt(leaf_, index_); }
    Iterator& operator++() {
      if (++index_ == leaf_->size()) *this = Iterator(leaf_->next, 0);
      return *this;
    }
    bool operator==(const Iterator& other) const {
      return leaf_ == other.leaf_ && index_ == other.index_;
    }
    bool operator!=(const Iterator& other) const { return !(*this == other); }

   private:
    friend class IntervalTree;
    Iterator(const Leaf* leaf, unsigned index) : leaf_(leaf), index_(index) {}
    const Leaf* leaf_;
    unsigned index_;
  };

  // The allocator must live as long as the tree is in use.
  constexpr explicit IntervalTree(NodeAllocator* allocator) : allocator_(allocator) {}
  IntervalTree(const IntervalTree&) = delete;
  IntervalTree& operator=(const IntervalTree&) = delete;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Levels of nodes: 0 if empty, 1 for a single leaf.
  unsigned height() const { return root_ == nullptr ? 0 : inner_levels_ + 1; }

  // Adds a range. Fails, changing nothing, if it overlaps a range or there is no memory.
  // REQUIRES: !range.empty().
  InsertResult Insert(const Interval& range, const Value& value);

  // Removes the range that begins at exactly `begin`. Returns it, or none. Never needs memory.
  Entry Erase(uint64_t begin);

  // Gives the range that begins at exactly `begin` other bounds and another value: cheaper than
  // Erase and Insert, as no range moves. Returns false, changing nothing, if there is no such
  // range. REQUIRES: !range.empty(), and `range` overlaps no range but the one replaced, nor does
  // it stand on the far side of a neighbour.
  bool Replace(uint64_t begin, const Interval& range, const Value& value);

  // Frees all nodes.
  void Clear();

  // The range that holds `address`, or none.
  Entry Stab(uint64_t address) const;

  // Stab beside edits, for a caller who can tell afterwards whether there was one: by a sequence
  // counter, say. valid() is whether no edit was under way when the caller began and none has begun
  // since; what is loaded before it must not be loaded after it, nor the other way round (acquire).
  // Returns false, and *entry means nothing, as soon as valid() does. Why that is safe: README.md.
  // REQUIRES: what was ever a node of this tree stays readable.
  template <typename Valid>
  bool TryStab(uint64_t address, const Valid& valid, Entry* entry) const;

  // The range that begins at exactly `begin`, or none.
  Entry Find(uint64_t begin) const;

  // The last range that begins below `address`, and the first that begins at or above it, or none.
  // The neighbours of range r are thus Predecessor(r.begin) and Successor(r.end).
  Entry Predecessor(uint64_t address) const;
  Entry Successor(uint64_t address) const;

  // Calls visitor(entry) in address order for each range that overlaps `range`, as long as it
  // returns true. Returns false if the visitor ended it. The visitor must not edit the tree.
  template <typename Visitor>
  bool Overlap(const Interval& range, Visitor&& visitor) const;

  // The length of the longest range; 0 if empty.
  uint64_t Longest() const;

  // The lowest range that is at least `length` long, or none.
  // REQUIRES: length >= 1, here and below.
  Entry FirstWithAtLeast(uint64_t length) const;

  // A range that is at least `length` long and tight: on the way down, always the child with the
  // smallest sufficient longest range (the lowest of equals), and in the leaf the smallest
  // sufficient range. Not always the smallest of the whole tree, which would take a second tree.
  Entry TightestWithAtLeast(uint64_t length) const;

  Iterator begin() const;
  Iterator end() const { return Iterator(nullptr, 0); }

 private:
  template <typename, typename>
  friend class IntervalTreeInspector;  // verify.h

  static constexpr unsigned kMaxInnerLevels = tree_internal::MaxHeight();

  // A tree of so many levels has its leaves in memory rather than in a cache, and it pays to fetch
  // every line of a leaf in advance; in others it would cost more than it brings.
  static constexpr unsigned kTallInnerLevels = 5;

  // The way to a leaf. Level 0 holds the parent of the leaf, level inner_levels_ - 1 the root.
  struct Path {
    struct Step {
      Inner* node;
      unsigned index;  // of the child taken
    };
    Step steps[kMaxInnerLevels];
  };

  // Nodes set aside before an insertion, enough for a split on every level.
  struct Reserve {
    void* nodes[kMaxInnerLevels + 2];
    unsigned count = 0;
    void* Take() { return nodes[--count]; }
  };

  // A node split off to the right of another, with what its parent is to know of both.
  struct Sibling {
    uint64_t left_longest;
    uint64_t key;
    void* node;
    uint64_t longest;
  };

  static Entry EntryAt(const Leaf* leaf, unsigned i) {
    return Entry{leaf->range(i), leaf->payloads[i].value};
  }

  // By masks: whether an address is in a range cannot be predicted, and a branch on it here would
  // hold up what follows until the leaf has come from memory.
  static Entry EntryIf(bool wanted, const Leaf* leaf, unsigned i) {
    const uint64_t mask = uint64_t{0} - uint64_t{wanted};
    uint64_t bits;
    __builtin_memcpy(&bits, &leaf->payloads[i].value, sizeof(bits));
    bits &= mask;
    Entry entry{{leaf->begins[i] & mask, leaf->payloads[i].end & mask}, Value()};
    __builtin_memcpy(&entry.value, &bits, sizeof(bits));
    return entry;
  }

  template <typename Node>
  static Node* NewNode(void* memory) {
    Node* node = static_cast<Node*>(memory);  // an implicit-lifetime type
    node->Init();
    return node;
  }

  // The leaf for addresses just below `limit`: the ranges that begin below `limit` lie in it and
  // before it, the others in it and behind it. REQUIRES: root_ != nullptr, here and below.
  const Leaf* LeafFor(uint64_t limit) const;
  // From *node, the root, to that leaf. False as soon as valid() is, which is asked before each
  // node is looked into.
  template <typename Valid>
  bool Descend(uint64_t limit, const Valid& valid, const void** node) const;
  static void PrefetchLeaf(const void* leaf);
  Leaf* Trace(uint64_t limit, Path* path);

  InsertResult InsertFirst(const Interval& range, const Value& value);
  bool ReserveFor(const Path& path, Reserve* reserve);
  void SplitAndInsert(Leaf* leaf, unsigned index, const Interval& range, const Value& value,
                      const Path& path, Reserve* reserve);
  void AddSibling(const Path& path, Sibling added, uint64_t length, Reserve* reserve);
  void GrowRoot(const Sibling& added, void* memory);

  void RemoveAt(Leaf* leaf, unsigned index, const Path& path);
  void Rebalance(const Path& path, uint64_t removed);
  template <typename Node>
  bool BalanceChild(const typename Path::Step& step);
  void ShrinkRoot();

  // Brings the separator before a leaf up to date, and the summaries from `level` up.
  void SetFirstKey(const Path& path, uint64_t begin);
  void RaiseLongest(const Path& path, unsigned level, uint64_t length);
  void LowerLongest(const Path& path, unsigned level, uint64_t removed);

  void FreeTree(void* node, unsigned inner_levels);

  void* root_ = nullptr;  // a Leaf if inner_levels_ is 0, else an Inner
  unsigned inner_levels_ = 0;
  size_t size_ = 0;
  NodeAllocator* allocator_;
};

// ---- Lookups ----

// Beside an edit a pointer must be loaded once, so that what was found valid is what is followed.
template <typename Value, typename NodeAllocator>
template <typename Valid>
inline bool IntervalTree<Value, NodeAllocator>::Descend(uint64_t limit, const Valid& valid,
                                                        const void** node) const {
  const unsigned levels = __atomic_load_n(&inner_levels_, __ATOMIC_RELAXED);
  for (unsigned level = levels; level > 0; --level) {
    if (!valid()) return false;
    const Inner* inner = static_cast<const Inner*>(*node);
    *node = __atomic_load_n(&inner->children[inner->Find(limit)], __ATOMIC_RELAXED);
    if (level == 1 && levels >= kTallInnerLevels) PrefetchLeaf(*node);
  }
  return valid();
}

template <typename Value, typename NodeAllocator>
inline auto IntervalTree<Value, NodeAllocator>::LeafFor(uint64_t limit) const -> const Leaf* {
  const void* node = root_;
  Descend(
      limit, [] { return true; }, &node);
  return static_cast<const Leaf*>(node);
}

// All of a leaf at once: to wait for its keys, and then for an end and value, would take twice as
// long.
template <typename Value, typename NodeAllocator>
inline void IntervalTree<Value, NodeAllocator>::PrefetchLeaf(const void* leaf) {
#pragma GCC unroll 8
  for (size_t line = 0; line < kTreeNodeBytes; line += kTreeNodeAlignment) {
    __builtin_prefetch(static_cast<const char*>(leaf) + line);
  }
}

template <typename Value, typename NodeAllocator>
template <typename Valid>
inline bool IntervalTree<Value, NodeAllocator>::TryStab(uint64_t address, const Valid& valid,
                                                        Entry* entry) const {
  const void* node = __atomic_load_n(&root_, __ATOMIC_RELAXED);
  if (node == nullptr) {
    *entry = Entry{};
    return valid();
  }
  // For the highest address the limit wraps to 0 and leads to a range that does not contain it.
  if (!Descend(address + 1, valid, &node)) return false;
  const Leaf* leaf = static_cast<const Leaf*>(node);
  const unsigned index = leaf->Find(address + 1);
  const unsigned i = index - (index != 0 ? 1 : 0);
  *entry = EntryIf(leaf->range(i).Contains(address), leaf, i);
  return valid();
}

template <typename Value, typename NodeAllocator>
inline auto IntervalTree<Value, NodeAllocator>::Stab(uint64_t address) const -> Entry {
  Entry entry;
  TryStab(
      address, [] { return true; }, &entry);
  return entry;
}

template <typename Value, typename NodeAllocator>
inline auto IntervalTree<Value, NodeAllocator>::Find(uint64_t begin) const -> Entry {
  const Entry entry = Stab(begin);
  return entry.range.begin == begin ? entry : Entry{};
}

template <typename Value, typename NodeAllocator>
inline auto IntervalTree<Value, NodeAllocator>::Predecessor(uint64_t address) const -> Entry {
  if (root_ == nullptr) return Entry{};
  const Leaf* leaf = LeafFor(address);
  const unsigned index = leaf->Find(address);
  // Only the first leaf can have no range below the limit: a key is the begin of a range.
  return index == 0 ? Entry{} : EntryAt(leaf, index - 1);
}

template <typename Value, typename NodeAllocator>
inline auto IntervalTree<Value, NodeAllocator>::Successor(uint64_t address) const -> Entry {
  if (root_ == nullptr) return Entry{};
  const Leaf* leaf = LeafFor(address);
  const unsigned index = leaf->Find(address);
  if (index < leaf->size()) return EntryAt(leaf, index);
  return leaf->next == nullptr ? Entry{} : EntryAt(leaf->next, 0);
}

template <typename Value, typename NodeAllocator>
template <typename Visitor>
bool IntervalTree<Value, NodeAllocator>::Overlap(const Interval& range, Visitor&& visitor) const {
  if (root_ == nullptr || range.empty()) return true;
  const Leaf* leaf = LeafFor(range.begin + 1);
  const unsigned index = leaf->Find(range.begin + 1);
  Iterator it(leaf, index);
  if (index > 0 && leaf->payloads[index - 1].end > range.begin) {
    it = Iterator(leaf, index - 1);
  } else if (index == leaf->size()) {
    it = Iterator(leaf->next, 0);
  }
  for (; it != end(); ++it) {
    const Entry entry = *it;
    if (entry.range.begin >= range.end) return true;
    if (!visitor(entry)) return false;
  }
  return true;
}

template <typename Value, typename NodeAllocator>
uint64_t IntervalTree<Value, NodeAllocator>::Longest() const {
  if (root_ == nullptr) return 0;
  return inner_levels_ == 0 ? static_cast<const Leaf*>(root_)->Longest()
                            : static_cast<const Inner*>(root_)->Longest();
}

template <typename Value, typename NodeAllocator>
auto IntervalTree<Value, NodeAllocator>::FirstWithAtLeast(uint64_t length) const -> Entry {
  if (root_ == nullptr) return Entry{};
  const void* node = root_;
  for (unsigned level = inner_levels_; level > 0; --level) {
    const Inner* inner = static_cast<const Inner*>(node);
    const unsigned i = inner->FirstWithAtLeast(length);
    if (i == inner->size()) return Entry{};  // only at the root: below, the summary promised one
    node = inner->children[i];
  }
  const Leaf* leaf = static_cast<const Leaf*>(node);
  const unsigned i = leaf->FirstWithAtLeast(length);
  return i == leaf->size() ? Entry{} : EntryAt(leaf, i);
}

template <typename Value, typename NodeAllocator>
auto IntervalTree<Value, NodeAllocator>::TightestWithAtLeast(uint64_t length) const -> Entry {
  if (root_ == nullptr) return Entry{};
  const void* node = root_;
  for (unsigned level = inner_levels_; level > 0; --level) {
    const Inner* inner = static_cast<const Inner*>(node);
    const unsigned i = inner->TightestWithAtLeast(length);
    if (i == inner->size()) return Entry{};  // only at the root, as above
    node = inner->children[i];
  }
  const Leaf* leaf = static_cast<const Leaf*>(node);
  const unsigned i = leaf->TightestWithAtLeast(length);
  return i == leaf->size() ? Entry{} : EntryAt(leaf, i);
}

template <typename Value, typename NodeAllocator>
auto IntervalTree<Value, NodeAllocator>::begin() const -> Iterator {
  return root_ == nullptr ? end() : Iterator(LeafFor(0), 0);
}

}  // namespace mymalloc

#include "tree/interval_tree_edit.h"  // the definitions of Insert, Erase, Replace and Clear

#endif  // MYMALLOC_TREE_INTERVAL_TREE_H_
