// How much of a slot a request may waste at most: docs/size_classes.md says it, and
// //tests/page:size_class_test holds every request against it.

#ifndef TOOLS_SIZE_CLASS_WASTE_H_
#define TOOLS_SIZE_CLASS_WASTE_H_

#include "mymalloc/page/size_class.h"

namespace mymalloc {

// What a request loses to its class, as a fraction of the slot, beyond the tag and rounding to the
// alignment, which is at least a granule: so much, any table of classes costs.
inline double WasteOf(size_t n, size_t alignment, SizeClass c) {
  const size_t least = RoundUp(n + kTagBytes, Max(alignment, kBlockAlignment));
  return static_cast<double>(StrideOf(c) - least) / static_cast<double>(StrideOf(c));
}

struct WasteBound {
  size_t smallest;
  size_t largest;
  double regular;
  double aligned;
};

inline constexpr WasteBound kWasteBounds[] = {
    {0, 1024, 0.1, 0.2},
    {1025, kLargestMedium, 0.125, 1.0 / 3},
};

}  // namespace mymalloc

#endif  // TOOLS_SIZE_CLASS_WASTE_H_
