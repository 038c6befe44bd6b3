// Numbers for all live blocks, and which of them an address lies in: for who asks about each word
// of a process.

#ifndef MYMALLOC_TOOLS_LOOK_BLOCK_INDEX_H_
#define MYMALLOC_TOOLS_LOOK_BLOCK_INDEX_H_

#include <cstdint>
#include <vector>

#include "tools/look/heap_model.h"

namespace mymalloc::look {

class BlockIndex {
 public:
  using Number = uint32_t;
  static constexpr Number kNone = ~Number{0};

  // The model must stay as it is.
  explicit BlockIndex(const HeapModel& model);

  Number size() const { return size_; }
  // The live block that an address lies in, at its begin or inside, or that it is the end of; kNone
  // if there is none. Of two that touch it is the one that begins there.
  Number Find(uint64_t address) const;
  Block At(Number number) const;

  Number FirstIn(const Page& page) const {
    return first_[static_cast<size_t>(&page - model_.pages.data())];
  }
  // Of the live blocks that lie in no page.
  const std::vector<Block>& others() const { return others_; }
  Number FirstOther() const { return first_.empty() ? 0 : first_.back(); }

 private:
  static constexpr unsigned kRegionShift = 21;
  static constexpr size_t kUnitsInRegion = (size_t{1} << kRegionShift) / kPageUnit;
  static constexpr size_t kMostRegions = size_t{1} << 24;

  void MakeTable();
  const Page* PageAt(uint64_t address) const;
  Number NumberIn(const Page& page, unsigned slot) const;

  const HeapModel& model_;
  Number size_ = 0;
  std::vector<Number> first_;  // of each page, and one more
  std::vector<Block> others_;  // in address order
  // Which page each unit belongs to: by regions, of which most have none.
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
  std::vector<uint32_t> regions_;  // where in units_; 0: none
  std::vector<uint32_t> units_;    // 1 and more: a page's number and one
};

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_BLOCK_INDEX_H_
