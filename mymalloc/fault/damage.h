// What of a report says which bytes were overwritten, with what, and what lies around them.

#ifndef MYMALLOC_FAULT_DAMAGE_H_
#define MYMALLOC_FAULT_DAMAGE_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/printer.h"

namespace mymalloc {

struct FaultBytes {
  uintptr_t begin = 0;
  size_t count = 0;  // 0: it is not known
};

// Nothing, if it is not known what was overwritten. REQUIRES: that and the block can be read.
void PrintDamage(Printer& out, FaultBytes block, FaultBytes written);

}  // namespace mymalloc

#endif  // MYMALLOC_FAULT_DAMAGE_H_
