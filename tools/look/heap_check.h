// Verifies a heap from outside: what its model says, and the tags and fences of all blocks.

#ifndef MYMALLOC_TOOLS_LOOK_HEAP_CHECK_H_
#define MYMALLOC_TOOLS_LOOK_HEAP_CHECK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/look/heap_model.h"
#include "tools/look/memory.h"

namespace mymalloc::look {

struct CheckResult {
  uint64_t blocks = 0;  // that were looked at
  uint64_t pages = 0;
  uint64_t wrong = 0;
  static constexpr size_t kMostTold = 50;
  std::vector<std::string> told;  // of these, the first

  void Add(std::string what) {
    ++wrong;
    if (told.size() < kMostTold) told.push_back(std::move(what));
  }
};

// Of a process that runs meanwhile, what is on its way from one state to another looks wrong.
CheckResult CheckHeap(const Memory& memory, const HeapModel& model);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_HEAP_CHECK_H_
