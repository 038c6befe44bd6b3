// What a target's heap holds: all pages with the state of each slot, large blocks, free ranges, and
// what is the allocator's own.
//
// Whatever the target's memory says, reading ends, and keeps within bounds: what cannot be true is
// noted as damage, and left out.

#ifndef MYMALLOC_TOOLS_LOOK_HEAP_MODEL_H_
#define MYMALLOC_TOOLS_LOOK_HEAP_MODEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mymalloc/base/kind.h"
#include "mymalloc/base/options.h"
#include "mymalloc/page/page.h"
#include "mymalloc/page/tag.h"
#include "tree/interval.h"

namespace mymalloc::look {

enum class SlotState : uint8_t {
  kOwn,          // the header's, or none that can be handed out
  kFree,         // in the bitmap
  kClean,        // the same, and not resident
  kCached,       // free, and held by a thread
  kQuarantined,  // free, and kept from use
  kLive,
  kRunHead,  // the first slot of a live block of several
  kRunTail,  // another of its slots
};

using SlotMask = std::array<uint64_t, SlotBitmap::kWords>;
inline bool Has(const SlotMask& mask, unsigned slot) {
  return (mask[slot / 64] >> slot % 64 & 1) != 0;
}
inline void Set(SlotMask* mask, unsigned slot) { (*mask)[slot / 64] |= uint64_t{1} << slot % 64; }

struct Page {
  Interval range;
  uint64_t header = 0;
  uint32_t stride = 0;
  uint32_t heap = 0;
  uint16_t slots = 0;
  uint16_t high_water = 0;  // slots at and above it were never touched
  uint8_t size_class = 0;
  bool counts_agree = true;  // what the header counts is what its bitmaps hold
  SlotMask own{};
  SlotMask free{};
  SlotMask clean{};
  SlotMask cached{};
  SlotMask quarantined{};
  SlotMask heads{};
  SlotMask tails{};

  uint64_t Block(unsigned slot) const { return range.begin + uint64_t{slot} * stride; }
  uint64_t LiveWord(unsigned w) const {
    return ~(own[w] | free[w] | cached[w] | quarantined[w] | tails[w]);
  }
  bool IsLive(unsigned slot) const { return (LiveWord(slot / 64) >> slot % 64 & 1) != 0; }
  SlotState StateOf(unsigned slot) const;
  // How many the block has that begins in this slot.
  unsigned SlotsAt(unsigned slot) const;
  size_t Usable(unsigned slot) const { return uint64_t{SlotsAt(slot)} * stride - kTagBytes; }
};

struct Large {
  Interval range;
  uint64_t record = 0;
  uint64_t block = 0;
  uint64_t usable = 0;
  uint64_t requested = 0;
  bool live = false;
  bool mapped = false;  // a mapping of its own
};

struct SampledBlock {
  uint64_t block = 0;
  uint64_t size = 0;
  bool live = false;
};

struct HeapSummary {
  uint32_t id = 0;
  uint64_t address = 0;
  bool parked = false;
};

// Where a free range's memory may be resident.
struct FreeRange {
  Interval range;
  bool dirty = false;
};

enum class BlockKind : uint8_t { kSmall, kRun, kLarge, kSampled };

struct Block {
  uint64_t address = 0;
  uint64_t usable = 0;
  BlockKind kind = BlockKind::kSmall;
  uint32_t size_class = 0;  // of slots
  uint32_t heap = 0;
};

class HeapModel {
 public:
  // All in address order.
  std::vector<Page> pages;
  std::vector<Large> large;
  std::vector<Large> held_large;  // freed, and held back
  std::vector<SampledBlock> sampled;
  std::vector<FreeRange> free_ranges;
  std::vector<Interval> metadata;
  std::vector<Interval> chunks;
  std::vector<HeapSummary> heaps;
  Interval sampled_range;
  TagSecret secret{};
  Options options;
  std::string version;

  // What cannot be true, in words; at most kMostDamage of them.
  static constexpr size_t kMostDamage = 20;
  std::vector<std::string> damage;
  uint64_t damages = 0;
  void NoteDamage(std::string what);
  // "the heap's metadata is damaged: ..."; empty if it is not.
  std::string DescribeDamage() const;

  // nullptr if there is none.
  const Page* PageAt(uint64_t address) const;
  Page* PageAt(uint64_t address);
  const Large* LargeAt(uint64_t address) const;

  // The tag that these bits are of this block. What it says means something if it verifies.
  Tag TagOf(uint64_t block, uint64_t bits) const { return Tag::FromBits(bits, block, secret); }
  bool Verifies(uint64_t block, uint64_t bits) const {
    return secret.Decode(block, bits) <= secret.most;
  }

  Block BlockAt(const Page& page, unsigned slot) const;
  // Calls visit(const Block&) for each live block in address order.
  template <typename Visit>
  void ForEachLive(Visit&& visit) const;
};

template <typename Visit>
void ForEachLiveIn(const Page& page, Visit&& visit) {
  for (unsigned w = 0; w < SlotBitmap::kWords; ++w) {
    for (uint64_t mask = page.LiveWord(w); mask != 0; mask &= mask - 1) {
      visit(w * 64 + static_cast<unsigned>(__builtin_ctzll(mask)));
    }
  }
}

template <typename Visit>
void HeapModel::ForEachLive(Visit&& visit) const {
  for (const Page& page : pages) {
    ForEachLiveIn(page, [&](unsigned slot) { visit(BlockAt(page, slot)); });
  }
  for (const Large& block : large) {
    if (block.live) visit(Block{block.block, block.usable, BlockKind::kLarge, 0, 0});
  }
  for (const SampledBlock& block : sampled) {
    if (block.live) visit(Block{block.block, block.size, BlockKind::kSampled, 0, 0});
  }
}

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_HEAP_MODEL_H_
