// The nodes of the interval tree: their layout, the search within one, and edits that concern one
// node or two siblings. What spans levels is in interval_tree.h.
//
// A lookup reads of each node its keys and then one more line: the child pointer, or the end and
// value. So keys stand together at the front, and the summaries (only room finding and edits read
// them) at the back. Unused keys hold kNoKey, which no search counts: a search thus takes the same
// steps in every node, without a branch to mispredict, and the searches of independent lookups
// overlap. The size of a node is measured: see README.md.

#ifndef MYMALLOC_TREE_INTERVAL_NODE_H_
#define MYMALLOC_TREE_INTERVAL_NODE_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "tree/interval.h"

namespace mymalloc {

// What a node allocator hands out.
inline constexpr size_t kTreeNodeBytes = 384;
inline constexpr size_t kTreeNodeAlignment = 64;

namespace tree_internal {

// Above every key: a range [~0, end) would have no room for an end.
inline constexpr uint64_t kNoKey = ~uint64_t{0};

// Moves `n` elements, which may overlap.
template <typename T>
inline void Move(T* to, const T* from, size_t n) {
  static_assert(std::is_trivially_copyable<T>::value, "moved as bytes");
  __builtin_memmove(to, from, n * sizeof(T));
}

// How many of the ascending `keys` are below `limit`: halving down to three keys, which are cheaper
// to count. Sums instead of conditions, for the compiler would make branches of these. Whatever the
// keys are, and if they change meanwhile, the result is at most kCount: TryStab relies on that.
template <unsigned kCount>
inline unsigned CountBelow(const uint64_t (&keys)[kCount], uint64_t limit) {
  static_assert(kCount >= 3 && (kCount & (kCount + 1)) == 0, "halves evenly");
  uint64_t below = 0;
#pragma GCC unroll 8
  for (unsigned half = (kCount + 1) / 2; half >= 4; half /= 2) {
    below += half * uint64_t{keys[below + half - 1] < limit};
  }
  const uint64_t* rest = keys + below;
  below += uint64_t{rest[0] < limit} + uint64_t{rest[1] < limit} + uint64_t{rest[2] < limit};
  return static_cast<unsigned>(below);
}

// The index of the smallest of n lengths among those that are at least `wanted`, the first of
// equals; n if there is none. What is short of `wanted` wraps around to a huge excess.
template <typename LengthAt>
inline unsigned Tightest(uint64_t wanted, unsigned n, LengthAt length_at) {
  unsigned best = n;
  uint64_t least_excess = kNoKey - wanted + 1;  // no length has that much
  for (unsigned i = 0; i < n; ++i) {
    const uint64_t excess = length_at(i) - wanted;
    best = excess < least_excess ? i : best;
    least_excess = excess < least_excess ? excess : least_excess;
  }
  return best;
}

// Of `capacity` elements in a full node that is to take one more at `index`, how many stay in the
// left half. Growth at either end leaves the half that will not grow any more nearly full: so
// ranges that come in ascending or descending order pack the nodes well.
// The new element then goes left if index <= the result.
constexpr unsigned SplitPoint(unsigned capacity, unsigned min, unsigned index) {
  if (index == capacity) return capacity + 1 - min;
  if (index <= 1) return min - 1;
  return capacity / 2;
}

// A quarter, not the textbook's half: a node that was just split or merged is then far from the
// next merge or split, and ends can be packed to three quarters.
constexpr unsigned MinimumOf(unsigned capacity) { return capacity / 4; }

// Two siblings merge if the result still has room: a merge is not to be followed by a split.
constexpr unsigned MergeLimitOf(unsigned capacity) { return capacity - capacity / 4; }

template <typename Value>
struct alignas(kTreeNodeAlignment) Leaf {
  struct Payload {
    uint64_t end;
    Value value;
  };

  static constexpr size_t kHeaderBytes = sizeof(uint64_t) + sizeof(void*);
  static constexpr unsigned kCapacity =
      (kTreeNodeBytes - kHeaderBytes) / (sizeof(uint64_t) + sizeof(Payload));
  static constexpr unsigned kMin = MinimumOf(kCapacity);
  static constexpr unsigned kMergeLimit = MergeLimitOf(kCapacity);

  uint64_t count;
  uint64_t begins[kCapacity];
  Payload payloads[kCapacity];
  Leaf* next;  // in address order

  void Init() {
    count = 0;
    next = nullptr;
    for (uint64_t& begin : begins) begin = kNoKey;
  }

  unsigned size() const { return static_cast<unsigned>(count); }
  Interval range(unsigned i) const { return {begins[i], payloads[i].end}; }
  uint64_t length(unsigned i) const { return range(i).length(); }

  // How many entries begin below `limit`.
  unsigned Find(uint64_t limit) const { return CountBelow(begins, limit); }

  // The summary that the parent keeps of this leaf.
  uint64_t Longest() const {
    uint64_t result = 0;
    for (unsigned i = 0; i < count; ++i) result = length(i) > result ? length(i) : result;
    return result;
  }

  unsigned FirstWithAtLeast(uint64_t wanted) const {
    unsigned i = 0;
    while (i < count && length(i) < wanted) ++i;
    return i;
  }

  unsigned TightestWithAtLeast(uint64_t wanted) const {
    return Tightest(wanted, size(), [this](unsigned i) { return length(i); });
  }

  // Whether `added` would fit between entries i - 1 and i.
  // REQUIRES: i == Find(added.begin + 1).
  bool HasGapAt(unsigned i, const Interval& added) const {
    if (i > 0 && payloads[i - 1].end > added.begin) return false;
    const Leaf* after = i < count ? this : next;
    return after == nullptr || added.end <= after->begins[i < count ? i : 0];
  }

  void Set(unsigned i, const Interval& range, const Value& value) {
    begins[i] = range.begin;
    payloads[i] = Payload{range.end, value};
  }

  // REQUIRES: count < kCapacity.
  void Insert(unsigned i, const Interval& range, const Value& value) {
    Move(begins + i + 1, begins + i, size() - i);
    Move(payloads + i + 1, payloads + i, size() - i);
    Set(i, range, value);
    ++count;
  }

  void Remove(unsigned i) {
    --count;
    Move(begins + i, begins + i + 1, size() - i);
    Move(payloads + i, payloads + i + 1, size() - i);
    begins[count] = kNoKey;
  }

  // Moves the last entries to the front of `right`, so that `keep` stay. Returns the key that now
  // separates the two. (The third parameter is for inner nodes: see there.)
  uint64_t SpillTo(Leaf* right, unsigned keep, uint64_t /*between*/) {
    const unsigned n = size() - keep;
    Move(right->begins + n, right->begins, right->size());
    Move(right->payloads + n, right->payloads, right->size());
    Move(right->begins, begins + keep, n);
    Move(right->payloads, payloads + keep, n);
    right->count += n;
    Truncate(keep);
    return right->begins[0];
  }

  // Appends the first n entries of `right`. Returns as above; if `right` is empty now, it is out of
  // the chain of leaves.
  uint64_t TakeFrom(Leaf* right, unsigned n, uint64_t /*between*/) {
    Move(begins + count, right->begins, n);
    Move(payloads + count, right->payloads, n);
    count += n;
    const unsigned rest = right->size() - n;
    Move(right->begins, right->begins + n, rest);
    Move(right->payloads, right->payloads + n, rest);
    right->Truncate(rest);
    if (rest == 0) next = right->next;
    return right->begins[0];
  }

 private:
  void Truncate(unsigned n) {
    for (unsigned i = n; i < count; ++i) begins[i] = kNoKey;
    count = n;
  }
};

struct alignas(kTreeNodeAlignment) Inner {
  static constexpr unsigned kCapacity = kTreeNodeBytes / (3 * sizeof(uint64_t));
  static constexpr unsigned kMin = MinimumOf(kCapacity);
  static constexpr unsigned kMergeLimit = MergeLimitOf(kCapacity);

  uint64_t count;                // of children
  uint64_t keys[kCapacity - 1];  // keys[i]: the least begin under children[i + 1], exactly
  void* children[kCapacity];     // Inner, or Leaf in the lowest level of inner nodes
  uint64_t longest[kCapacity];   // longest[i]: the length of the longest range under children[i]

  void Init() {
    count = 0;
    for (uint64_t& key : keys) key = kNoKey;
  }

  unsigned size() const { return static_cast<unsigned>(count); }

  // Which child covers the addresses just below `limit`.
  unsigned Find(uint64_t limit) const { return CountBelow(keys, limit); }

  uint64_t Longest() const {
    uint64_t result = 0;
    for (unsigned i = 0; i < count; ++i) result = longest[i] > result ? longest[i] : result;
    return result;
  }

  unsigned FirstWithAtLeast(uint64_t wanted) const {
    unsigned i = 0;
    while (i < count && longest[i] < wanted) ++i;
    return i;
  }

  unsigned TightestWithAtLeast(uint64_t wanted) const {
    return Tightest(wanted, size(), [this](unsigned i) { return longest[i]; });
  }

  // Adds a child; `key` separates it from the one before.
  // REQUIRES: 1 <= i <= count < kCapacity.
  void Insert(unsigned i, uint64_t key, void* child, uint64_t child_longest) {
    Move(keys + i, keys + i - 1, size() - i);
    Move(children + i + 1, children + i, size() - i);
    Move(longest + i + 1, longest + i, size() - i);
    keys[i - 1] = key;
    children[i] = child;
    longest[i] = child_longest;
    ++count;
  }

  // Removes a child and the key before it.
  // REQUIRES: 1 <= i < count.
  void Remove(unsigned i) {
    --count;
    Move(keys + i - 1, keys + i, size() - i);
    Move(children + i, children + i + 1, size() - i);
    Move(longest + i, longest + i + 1, size() - i);
    keys[count - 1] = kNoKey;
  }

  // Moves the last children to the front of `right`, so that `keep` stay. `between` is the key
  // between the two nodes (of no meaning if `right` is empty). Returns the new one.
  // REQUIRES: 1 <= keep < count.
  uint64_t SpillTo(Inner* right, unsigned keep, uint64_t between) {
    const unsigned n = size() - keep;
    if (right->count > 0) {
      Move(right->keys + n, right->keys, right->size() - 1);
      right->keys[n - 1] = between;
    }
    Move(right->children + n, right->children, right->size());
    Move(right->longest + n, right->longest, right->size());
    Move(right->keys, keys + keep, n - 1);
    Move(right->children, children + keep, n);
    Move(right->longest, longest + keep, n);
    right->count += n;
    const uint64_t up = keys[keep - 1];
    Truncate(keep);
    return up;
  }

  // Appends the first n children of `right`. Returns the new key between the nodes (of no meaning
  // if `right` is empty now).
  // REQUIRES: 1 <= n <= right->count.
  uint64_t TakeFrom(Inner* right, unsigned n, uint64_t between) {
    keys[count - 1] = between;
    Move(keys + count, right->keys, n - 1);
    Move(children + count, right->children, n);
    Move(longest + count, right->longest, n);
    count += n;
    const unsigned rest = right->size() - n;
    if (rest == 0) return kNoKey;
    const uint64_t up = right->keys[n - 1];
    Move(right->keys, right->keys + n, rest - 1);
    Move(right->children, right->children + n, rest);
    Move(right->longest, right->longest + n, rest);
    right->Truncate(rest);
    return up;
  }

 private:
  void Truncate(unsigned n) {
    for (unsigned i = n; i < count; ++i) keys[i - 1] = kNoKey;
    count = n;
  }
};

static_assert(sizeof(Inner) == kTreeNodeBytes, "an inner node fills its memory");
static_assert(Inner::kMin >= 2, "a merge needs a sibling, and the height a logarithm");

// The most levels of inner nodes that a tree can have whose leaves fit into the address space.
constexpr unsigned MaxHeight() {
  uint64_t leaves = 2;  // the root may have as few children as that
  unsigned height = 1;
  while (leaves < kNoKey / kTreeNodeBytes) {
    leaves *= Inner::kMin;
    ++height;
  }
  return height;
}

}  // namespace tree_internal
}  // namespace mymalloc

#endif  // MYMALLOC_TREE_INTERVAL_NODE_H_
