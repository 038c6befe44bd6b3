// Where a reader from outside (tools/look: another process, a core file) finds in a copy of the
// allocator's memory what it asks for: places that are private to the engine, and a fingerprint of
// all that such a reader relies on. It reads any build that has its own fingerprint, and no other.

#ifndef MYMALLOC_REPORT_LAYOUT_H_
#define MYMALLOC_REPORT_LAYOUT_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/options.h"
#include "mymalloc/heap/heap.h"
#include "mymalloc/large/large.h"
#include "mymalloc/misuse/sampled_blocks.h"
#include "mymalloc/os/chunks.h"
#include "mymalloc/os/metadata.h"
#include "mymalloc/page/page.h"
#include "mymalloc/process/registry.h"
#include "mymalloc/supply/page_map.h"
#include "mymalloc/supply/page_supply.h"
#include "tree/verify.h"

namespace mymalloc {

// Offsets in bytes, from the begin of the object that is named first.
struct Layout {
  using TreeInspector = IntervalTreeInspector<uint64_t, TreeNodes>;
  using Leaf = TreeInspector::Leaf;
  using Inner = TreeInspector::Inner;

  static constexpr size_t kTreeRoot = TreeInspector::kRootOffset;
  static constexpr size_t kTreeLevels = TreeInspector::kLevelsOffset;
  static constexpr size_t kTreeSize = TreeInspector::kSizeOffset;

  static constexpr size_t kMapEdits = offsetof(PageMap, edits_);
  static constexpr size_t kMapTree = offsetof(PageMap, tree_);

  static constexpr size_t kRangesTree = offsetof(FreeRanges, tree_);
  static constexpr size_t kSupplyAll = offsetof(PageSupply, all_);
  static constexpr size_t kSupplyDirty = offsetof(PageSupply, dirty_);
  static constexpr size_t kSupplyProtected =
      offsetof(PageSupply, protected_) + offsetof(ProtectedRanges, ranges_);

  static constexpr size_t kRegistryHighestId = offsetof(Registry, highest_id_);

  static constexpr size_t kHeapId = offsetof(Heap, id_);
  static constexpr size_t kHeapParked = offsetof(Heap, parked_);
  static constexpr size_t kHeapMagazines = offsetof(Heap, magazines_);
  static constexpr size_t kMagazineEntries = offsetof(Magazine, entries_);
  static constexpr size_t kHeapBundles = offsetof(Heap, spill_) + offsetof(Spill, bundles_);
  static constexpr size_t kHeapGather = offsetof(Heap, gather_);
  static constexpr size_t kQuarantineItems =
      offsetof(Heap, quarantine_) + offsetof(Quarantine, items_);
  static constexpr size_t kQuarantineFirst =
      offsetof(Heap, quarantine_) + offsetof(Quarantine, first_);
  static constexpr size_t kQuarantineCount =
      offsetof(Heap, quarantine_) + offsetof(Quarantine, count_);
  static constexpr unsigned kQuarantineClassShift = Quarantine::kClassShift;
  // What of a heap has all of these.
  static constexpr size_t kHeapReadBytes = offsetof(Heap, page_cache_);

  static constexpr size_t kFreedLarge = offsetof(LargeBlocks, freed_);
  static constexpr size_t kSampledBegin = offsetof(SampledBlocks, begin_);
  static constexpr size_t kSampledSlots = offsetof(SampledBlocks, slots_);

  static constexpr uint64_t Fingerprint();
};

namespace layout_internal {

constexpr uint64_t Mix(uint64_t hash, uint64_t word) {
  return (hash ^ word ^ hash >> 29) * 0x9e3779b97f4a7c15;
}

template <typename... Words>
constexpr uint64_t HashOf(Words... words) {
  uint64_t hash = 1;
  ((hash = Mix(hash, static_cast<uint64_t>(words))), ...);
  return hash;
}

constexpr uint64_t HashOfPages() {
  uint64_t hash = HashOf(
      sizeof(PageHeader), offsetof(PageHeader, free), offsetof(PageHeader, check),
      offsetof(PageHeader, check) + sizeof(uint32_t), offsetof(PageHeader, free_count),
      offsetof(PageHeader, high_water), offsetof(PageHeader, dirty), offsetof(PageHeader, remote),
      offsetof(PageHeader, clean), kHeaderColours, kColourStep, kPageUnit, kTagBytes, kSlotsPerPage,
      kLeastRunStride, kMostRunSlots.value(), kSizeClasses, kPageClasses);
  for (const SizeClass c : EachPageClass()) {
    hash = Mix(hash, StrideOf(c) << 16 | SlotsOf(c).value());
  }
  return hash;
}

constexpr uint64_t HashOfTags() {
  return HashOf(sizeof(TagSecret), offsetof(TagSecret, spread), offsetof(TagSecret, offset),
                offsetof(TagSecret, factor), offsetof(TagSecret, inverse),
                offsetof(TagSecret, live_delta), offsetof(TagSecret, most),
                offsetof(TagSecret, veil), TagSecret::kLowBits, Note::kSlackBits, Note::kKindBits,
                Tag::kClassBits, Tag::kSlotBits, Tag::kHeapBits, Tag::kLargeClass.value(),
                kMaxHeaps);
}

constexpr uint64_t HashOfTree() {
  using Leaf = Layout::Leaf;
  using Inner = Layout::Inner;
  return HashOf(sizeof(Leaf), offsetof(Leaf, count), offsetof(Leaf, begins),
                offsetof(Leaf, payloads), offsetof(Leaf, next), Leaf::kCapacity, sizeof(Inner),
                offsetof(Inner, count), offsetof(Inner, keys), offsetof(Inner, children),
                offsetof(Inner, longest), Inner::kCapacity, Layout::kTreeRoot, Layout::kTreeLevels,
                Layout::kTreeSize, Layout::kMapEdits, Layout::kMapTree, Layout::kRangesTree,
                Layout::kSupplyAll, Layout::kSupplyDirty, Layout::kSupplyProtected);
}

constexpr uint64_t HashOfHeaps() {
  return HashOf(Layout::kRegistryHighestId, Layout::kHeapId, Layout::kHeapParked,
                Layout::kHeapMagazines, sizeof(Magazine), Layout::kMagazineEntries,
                kDeepestMagazine, Layout::kHeapBundles, sizeof(Bundle), offsetof(Bundle, next),
                offsetof(Bundle, entries), Bundle::kBlocks, Layout::kHeapGather,
                sizeof(RemoteGather), RemoteGather::kEntryBits, Layout::kQuarantineItems,
                Layout::kQuarantineFirst, Layout::kQuarantineCount, Quarantine::kMostBlocks,
                Layout::kQuarantineClassShift, Quarantine::kPattern, Layout::kHeapReadBytes);
}

constexpr uint64_t HashOfOthers() {
  return HashOf(sizeof(LargeBlock), offsetof(LargeBlock, begin), offsetof(LargeBlock, end),
                offsetof(LargeBlock, block), offsetof(LargeBlock, requested),
                offsetof(LargeBlock, live), LargeBlock::kFenceBytes, Layout::kFreedLarge,
                sizeof(FreedLarge), sizeof(FreedLarge::Record), Layout::kSampledBegin,
                Layout::kSampledSlots, sizeof(SampledSlot), offsetof(SampledSlot, state),
                offsetof(SampledSlot, block), offsetof(SampledSlot, size), SampledBlocks::kSlots,
                os::kChunkGranuleShift, os::kChunkGranules, sizeof(os::MetadataRange),
                sizeof(Options));
}

}  // namespace layout_internal

constexpr uint64_t Layout::Fingerprint() {
  using namespace layout_internal;  // NOLINT(google-build-using-namespace)
  return HashOf(HashOfPages(), HashOfTags(), HashOfTree(), HashOfHeaps(), HashOfOthers());
}

}  // namespace mymalloc

#endif  // MYMALLOC_REPORT_LAYOUT_H_
