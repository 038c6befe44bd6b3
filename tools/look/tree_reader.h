// The engine's interval trees, read from a target.

#ifndef MYMALLOC_TOOLS_LOOK_TREE_READER_H_
#define MYMALLOC_TOOLS_LOOK_TREE_READER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/look/memory.h"
#include "tree/interval.h"

namespace mymalloc::look {

struct TreeEntry {
  Interval range;
  uint64_t value = 0;
};

// Empty if it is sound; else what is wrong with it, and entries has what could be read.
std::string ReadTree(const Memory& memory, uint64_t tree, std::vector<TreeEntry>* entries);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_TREE_READER_H_
