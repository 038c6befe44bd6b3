// A half-open range of addresses.

#ifndef MYMALLOC_TREE_INTERVAL_H_
#define MYMALLOC_TREE_INTERVAL_H_

#include <cstdint>

namespace mymalloc {

// [begin, end). Empty if begin == end; an Interval with end < begin makes no sense anywhere. The
// highest address of all, ~0, can be the end of a range but not lie within one.
struct Interval {
  uint64_t begin = 0;
  uint64_t end = 0;

  static constexpr Interval From(uint64_t begin, uint64_t length) {
    return {begin, begin + length};
  }
  constexpr uint64_t length() const { return end - begin; }
  constexpr bool empty() const { return begin == end; }
  // One comparison: an address below `begin` wraps around to a huge offset.
  constexpr bool Contains(uint64_t address) const { return address - begin < length(); }
  constexpr bool Overlaps(const Interval& other) const {
    return begin < other.end && other.begin < end;
  }
};

constexpr bool operator==(const Interval& a, const Interval& b) {
  return a.begin == b.begin && a.end == b.end;
}
constexpr bool operator!=(const Interval& a, const Interval& b) { return !(a == b); }

}  // namespace mymalloc

#endif  // MYMALLOC_TREE_INTERVAL_H_
