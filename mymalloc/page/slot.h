// Which slot of a page, and how many: they do not mix, and the bitmap's questions about ranges of
// slots take one of each.

#ifndef MYMALLOC_PAGE_SLOT_H_
#define MYMALLOC_PAGE_SLOT_H_

#include <cstddef>
#include <cstdint>

#include "bitmap/slot_bitmap.h"
#include "mymalloc/base/number.h"

namespace mymalloc {

constexpr size_t kTagBytes = 8;
constexpr size_t kSlotsPerPage = SlotBitmap::kSlots;

using SlotCount = Count<struct SlotCountKind>;
using SlotIndex = Ordinal<struct SlotIndexKind, SlotCount>;

constexpr SlotIndex kFirstSlot{0};
constexpr SlotCount kOneSlot{1};
constexpr SlotCount kNoSlots{0};

// Slots that follow each other: those of one block, or that are all free.
struct SlotRun {
  SlotIndex first;
  SlotCount slots;

  // The slot behind.
  constexpr SlotIndex end() const { return first + slots; }
  // What a block that has these slots can use.
  constexpr size_t Usable(size_t stride) const { return slots * stride - kTagBytes; }
};

// A set of a page's slots: the bitmap, asked by slot and by range. Whole words of it are masks, and
// their numbers plain.
class SlotSet : public SlotBitmap {
 public:
  static constexpr unsigned WordOf(SlotIndex slot) { return SlotBitmap::WordOf(slot.value()); }
  static constexpr uint64_t BitOf(SlotIndex slot) { return SlotBitmap::BitOf(slot.value()); }
  // Of bit b of word w.
  static constexpr SlotIndex SlotOf(unsigned w, unsigned b) {
    return SlotIndex(w * kSlotsPerWord + b);
  }

  constexpr bool Test(SlotIndex slot) const { return SlotBitmap::Test(slot.value()); }
  constexpr bool Claim(SlotIndex slot) { return SlotBitmap::Claim(slot.value()); }
  constexpr bool Release(SlotIndex slot) { return SlotBitmap::Release(slot.value()); }

  constexpr void SetRange(SlotIndex first, SlotCount slots) {
    SlotBitmap::SetRange(first.value(), slots.value());
  }
  constexpr void ClearRange(SlotIndex first, SlotCount slots) {
    SlotBitmap::ClearRange(first.value(), slots.value());
  }
  constexpr bool TestRange(SlotIndex first, SlotCount slots) const {
    return SlotBitmap::TestRange(first.value(), slots.value());
  }
  constexpr bool AnyInRange(SlotIndex first, SlotCount slots) const {
    return SlotBitmap::AnyInRange(first.value(), slots.value());
  }
  constexpr SlotCount CountInRange(SlotIndex first, SlotCount slots) const {
    return SlotCount(SlotBitmap::CountInRange(first.value(), slots.value()));
  }
  constexpr SlotCount RunAround(SlotIndex first, SlotCount slots, SlotCount most) const {
    return SlotCount(SlotBitmap::RunAround(first.value(), slots.value(), most.value()));
  }
  // Where so many follow each other first. REQUIRES: they do somewhere.
  constexpr SlotIndex FindRun(SlotCount slots) const {
    return SlotIndex(SlotBitmap::FindRun(slots.value()));
  }
  constexpr SlotCount LongestRun(SlotCount most) const {
    return SlotCount(SlotBitmap::LongestRun(most.value()));
  }

  // The next run behind this one; false if there is none. All runs:
  // for (SlotRun run{}; set.NextRun(&run);) Use(run);
  constexpr bool NextRun(SlotRun* run) const {
    unsigned first = 0;
    unsigned count = 0;
    if (!SlotBitmap::NextRun(run->end().value(), &first, &count)) return false;
    *run = {SlotIndex(first), SlotCount(count)};
    return true;
  }
};

}  // namespace mymalloc

#endif  // MYMALLOC_PAGE_SLOT_H_
