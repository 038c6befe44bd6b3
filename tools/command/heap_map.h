// What a map of a heap shows: every page with the state of each slot, and what lies in no page.

#ifndef MYMALLOC_TOOLS_COMMAND_HEAP_MAP_H_
#define MYMALLOC_TOOLS_COMMAND_HEAP_MAP_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace mymalloc::command {

// One letter a slot: live; the first and the further slots of a live run; free and perhaps
// resident; clean, that is free and not resident; cached by a thread; quarantined; header, or no
// block's.
constexpr absl::string_view kSlotStates = "LRrFcCQH";
constexpr size_t kMostSlots = 256;

// Live blocks that follow each other on a page and have one type.
struct TypeRun {
  uint32_t slot = 0;    // of the first
  uint32_t blocks = 0;  // how many
  uint32_t type = 0;    // which of the map's
};

struct MappedPage {
  uint64_t address = 0;
  uint32_t size_class = 0;
  uint32_t stride = 0;
  uint32_t heap = 0;
  std::string states;          // of kSlotStates, at most kMostSlots
  std::vector<TypeRun> types;  // as far as they are known; in order
};

struct MappedLarge {
  uint64_t address = 0;
  uint64_t bytes = 0;
  bool held = false;  // freed, and held back from use for a while
  std::string type;   // empty if it is not known
};

struct MappedRange {
  uint64_t address = 0;
  uint64_t bytes = 0;
  uint64_t resident = 0;
};

struct HeapMap {
  std::string target;  // as the user sees it: whose heap; any bytes
  std::vector<MappedPage> pages;
  std::vector<MappedLarge> large;
  std::vector<MappedRange> free;
  std::vector<std::string> types;
  std::vector<std::pair<std::string, uint64_t>> totals;
};

// What is wrong with the text, in words; empty if nothing is, and then `map` is what it says. Keys
// that are not known are left out.
std::string ParseHeapMap(absl::string_view json, HeapMap* map);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_HEAP_MAP_H_
