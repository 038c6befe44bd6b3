// Where a full magazine puts its older half, and an empty one looks first.
//
// A program that allocates and frees some thousands of blocks in turn would otherwise send each of
// them through the bitmaps every time. Bundles of blocks are kept as they are, last in, first out,
// until the heap holds kMostBytes that way; what lies unused for a decay period goes back to the
// bitmaps.

#ifndef MYMALLOC_HEAP_SPILL_H_
#define MYMALLOC_HEAP_SPILL_H_

#include <cstdint>

#include "mymalloc/heap/magazine.h"
#include "mymalloc/os/metadata.h"
#include "mymalloc/supply/step.h"

namespace mymalloc {

struct alignas(64) Bundle {
  static constexpr unsigned kBlocks = kDeepestMagazine / 2;

  Bundle* next;
  uint16_t spilled_at;  // tick
  Entry entries[kBlocks];
};
static_assert(sizeof(Bundle) == size_t{5} * 64, "little is wasted");

// The bundles of a heap. Not thread safe: under the heap's lock.
class Spill {
 public:
  // Blocks in bundles, by the memory they hold. The rest goes to the bitmaps.
  static constexpr size_t kMostBytes = kMiB;

  // Only classes whose magazines are deep enough for whole bundles.
  static constexpr bool Takes(SizeClass c) { return DepthOf(c) == kDeepestMagazine; }

  // Copies kBlocks entries. False when the spill is full.
  // REQUIRES: Takes(c).
  bool Put(SizeClass c, const Entry* entries, uint16_t now);

  size_t bytes() const { return bytes_; }
  bool Holds(SizeClass c) const { return bundles_[c] != nullptr; }
  // Copies kBlocks entries, those put last, to `entries`. REQUIRES: Holds(c).
  void Take(SizeClass c, Entry* entries);

  // Calls give_back(entries, count) for bundles that were put in at least `age` ticks ago, until
  // the step is over. Returns whether it is done.
  template <typename GiveBack>
  bool Decay(SizeClass c, uint16_t now, uint16_t age, Step* step, GiveBack&& give_back);

  // Calls visit(entries, count) for each bundle.
  template <typename Visit>
  void ForEach(SizeClass c, Visit&& visit) const {
    for (const Bundle* b = bundles_[c]; b != nullptr; b = b->next)
      visit(b->entries, Bundle::kBlocks);
  }

 private:
  friend struct Layout;

  // Each block may be a cache miss or two.
  static constexpr size_t kUnitsOfBundle = Bundle::kBlocks / 4;
  static constexpr size_t BytesOf(SizeClass c) { return Bundle::kBlocks * StrideOf(c); }

  size_t bytes_;
  os::Pool<sizeof(Bundle)> pool_;
  PerClass<Bundle*> bundles_;
};

inline bool Spill::Put(SizeClass c, const Entry* entries, uint16_t now) {
  if (bytes_ + BytesOf(c) > kMostBytes) return false;
  Bundle* const bundle = static_cast<Bundle*>(pool_.Allocate());
  if (bundle == nullptr) return false;
  MoveEntries(bundle->entries, entries, Bundle::kBlocks);
  bundle->spilled_at = now;
  bundle->next = bundles_[c];
  bundles_[c] = bundle;
  bytes_ += BytesOf(c);
  return true;
}

inline void Spill::Take(SizeClass c, Entry* entries) {
  Bundle* const bundle = bundles_[c];
  MoveEntries(entries, bundle->entries, Bundle::kBlocks);
  bundles_[c] = bundle->next;
  pool_.Free(bundle);
  bytes_ -= BytesOf(c);
}

template <typename GiveBack>
bool Spill::Decay(SizeClass c, uint16_t now, uint16_t age, Step* step, GiveBack&& give_back) {
  Bundle** link = &bundles_[c];
  while (*link != nullptr && static_cast<uint16_t>(now - (*link)->spilled_at) < age) {
    link = &(*link)->next;
  }
  // The rest of the list is older.
  while (Bundle* const bundle = *link) {
    if (step->IsOver()) return false;
    step->Look(kUnitsOfBundle);
    *link = bundle->next;
    bytes_ -= BytesOf(c);
    give_back(bundle->entries, Bundle::kBlocks);
    pool_.Free(bundle);
  }
  return true;
}

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_SPILL_H_
