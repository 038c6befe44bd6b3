// A heap in figures.

#ifndef MYMALLOC_TOOLS_LOOK_FIGURES_H_
#define MYMALLOC_TOOLS_LOOK_FIGURES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>

#include "tools/look/heap_model.h"

namespace mymalloc::look {

// Blocks, and the bytes of their slots.
struct Amount {
  uint64_t blocks = 0;
  uint64_t bytes = 0;

  void Add(uint64_t n, uint64_t more) {
    blocks += n;
    bytes += more;
  }
};

struct PageFigures {
  uint64_t pages = 0;
  uint64_t bytes = 0;  // of their addresses
  Amount live;
  Amount cached;       // free, held by threads
  Amount quarantined;  // free, kept from use
  Amount dirty;        // free in the bitmaps, and perhaps resident
  Amount clean;        // free in the bitmaps, and not resident

  // What may be resident of its slots.
  uint64_t HeldBytes() const { return live.bytes + cached.bytes + quarantined.bytes + dirty.bytes; }
};

struct Figures {
  Amount live;        // all live blocks
  PageFigures pages;  // all of them
  Amount large;
  Amount sampled;
  Amount held_large;        // freed large blocks, held back
  uint64_t free_dirty = 0;  // free ranges that may be resident
  uint64_t free_clean = 0;
  uint64_t free_ranges = 0;
  uint64_t metadata = 0;
  std::array<PageFigures, kPageClasses> classes;
  std::map<uint32_t, PageFigures> heaps;

  // What may be resident, live or free, without the allocator's own.
  uint64_t HeldBytes() const {
    return pages.HeldBytes() + large.bytes + sampled.bytes + held_large.bytes + free_dirty;
  }
  // The part of that which is not live.
  double Fragmentation() const {
    const uint64_t held = HeldBytes();
    return held == 0 ? 0 : 1 - static_cast<double>(live.bytes) / static_cast<double>(held);
  }
};

Figures CountFigures(const HeapModel& model);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_FIGURES_H_
