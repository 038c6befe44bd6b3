// Which live block points to which: each word of each that, taken for an address, lies in another.

#ifndef MYMALLOC_TOOLS_LOOK_BLOCK_GRAPH_H_
#define MYMALLOC_TOOLS_LOOK_BLOCK_GRAPH_H_

#include <cstdint>
#include <vector>

#include "tools/look/block_index.h"
#include "tools/look/memory.h"

namespace mymalloc::look {

class BlockGraph {
 public:
  using Number = BlockIndex::Number;

  // Reads all live blocks once, in address order.
  BlockGraph(const Memory& memory, const HeapModel& model, const BlockIndex& index);

  const Number* begin(Number from) const { return targets_.data() + first_[from]; }
  const Number* end(Number from) const { return targets_.data() + first_[from + 1]; }

 private:
  void AddWords(const uint64_t* words, size_t count, const BlockIndex& index, Number from);

  std::vector<uint64_t> first_;  // of each block, and one more: where in targets_
  std::vector<Number> targets_;
};

// Marks what can be reached from these; what is marked already is not gone through again.
void MarkReachable(const BlockGraph& graph, std::vector<BlockIndex::Number> from,
                   std::vector<bool>* marked);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_BLOCK_GRAPH_H_
