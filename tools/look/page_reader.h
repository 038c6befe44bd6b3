// Pages of slots: their headers, and where tags tell runs.

#ifndef MYMALLOC_TOOLS_LOOK_PAGE_READER_H_
#define MYMALLOC_TOOLS_LOOK_PAGE_READER_H_

#include <cstdint>
#include <vector>

#include "tools/look/heap_model.h"
#include "tools/look/memory.h"

namespace mymalloc::look {

// What the page map says of a page.
struct PageEntry {
  Interval range;
  uint64_t header = 0;
};

// Adds those that are sound to the model.
void ReadPages(const Memory& memory, const std::vector<PageEntry>& entries, HeapModel* model);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_PAGE_READER_H_
