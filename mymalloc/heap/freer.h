// Who freed this block? What is remembered of the last frees, for reports.

#ifndef MYMALLOC_HEAP_FREER_H_
#define MYMALLOC_HEAP_FREER_H_

#include <cstdint>

#include "mymalloc/fault/fault.h"

namespace mymalloc {

// From where the block was freed; 0 if it is not free, or nobody knows any more. REQUIRES: its
// page, if it has one, is in the page map.
uintptr_t FreedFromWhere(const FaultBlock& block);

// As an event without a thread; nullptr if the address is none of the program's code.
const FaultEvent* FreedBy(uintptr_t caller, FaultEvent* event);

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_FREER_H_
