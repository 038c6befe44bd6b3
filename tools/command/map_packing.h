// The pages of a map as few bytes, for a page in a browser: map_page/data.js reads them.
//
// The summary has a record a page, and is read as a whole before anything is seen:
//   address beyond that of the page before, kind, heap    varints
//   which states its slots have                           a byte, a bit a state of kSlotStates
//   how many have each, less one                          a byte each but for the last, from slots
//   bytes / 16 of free slots that could go back at once   a varint
// The details are in chunks of kPagesPerChunk pages, each read when one of its pages is looked
// into:
//   encoding                                              a byte: bits a slot, 0 for runs; + 16 if types
//   runs: state and length - 1                            3 and 5 bits; 31: the length is a further byte
//   bits: how many states, they, then the slots           bytes; from the lowest bit on
//   types: how many rows, then of each its slot, beyond   varints
//     that of the row before; 2 * type, and 1 if more than
//     one live block in a row has it; then how many more
// A varint has seven bits a byte, the lowest first; the highest bit says that there are more.

#ifndef MYMALLOC_TOOLS_COMMAND_MAP_PACKING_H_
#define MYMALLOC_TOOLS_COMMAND_MAP_PACKING_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/command/heap_map.h"

namespace mymalloc::command {

class MapPacker {
 public:
  static constexpr size_t kPagesPerChunk = 4096;

  // What pages have in common: class, stride, slots.
  using Kind = std::array<uint32_t, 3>;

  // REQUIRES: its address is not below that of the page before; its states are of kSlotStates, and
  // at most kMostSlots.
  void Add(const MappedPage& page);

  size_t page_count() const { return page_count_; }
  const std::string& summary() const { return summary_; }
  const std::vector<std::string>& chunks() const { return chunks_; }
  const std::vector<Kind>& kinds() const { return kinds_; }
  const std::vector<uint32_t>& heaps() const { return heaps_; }

 private:
  uint32_t NumberOf(const Kind& kind);
  uint32_t NumberOfHeap(uint32_t heap);

  size_t page_count_ = 0;
  uint64_t last_address_ = 0;
  std::string summary_;
  std::vector<std::string> chunks_;
  std::vector<Kind> kinds_;
  std::map<Kind, uint32_t> kind_numbers_;
  std::vector<uint32_t> heaps_;
  std::map<uint32_t, uint32_t> heap_numbers_;
};

// Bytes of the page's free slots in those of its kernel pages that nothing else lies in: what could
// go back to the system as things are.
uint64_t LooseBytes(const MappedPage& page);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_MAP_PACKING_H_
