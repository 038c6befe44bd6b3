// Guards that the kernel would not lift yet, as it had no room for more mappings
// (vm.max_map_count): they are free memory, but cannot be touched.

#ifndef MYMALLOC_SUPPLY_PROTECTED_RANGES_H_
#define MYMALLOC_SUPPLY_PROTECTED_RANGES_H_

#include <cstddef>

#include "mymalloc/os/memory.h"
#include "mymalloc/supply/free_ranges.h"

namespace mymalloc {

// Not thread safe: under the page supply's lock.
class ProtectedRanges {
 public:
  explicit constexpr ProtectedRanges(TreeNodes* nodes) : ranges_(nodes) {}

  void Add(Interval range) { ranges_.AddOrLose(range); }
  // The first, if the kernel lifts it now: it can then be touched, and is the caller's.
  bool TakeLifted(Interval* range) {
    const auto first = ranges_.tree().Successor(0);
    if (!first || !os::Commit(first.range)) return false;
    *range = first.range;
    return ranges_.TakeAt(range->begin, range->length());
  }

  size_t bytes() const { return ranges_.bytes(); }
  size_t spent() const { return ranges_.spent(); }

 private:
  friend struct Layout;

  FreeRanges ranges_;
};

}  // namespace mymalloc

#endif  // MYMALLOC_SUPPLY_PROTECTED_RANGES_H_
