// All blocks as they were at one moment: noted under Freeze, in memory of the kernel's, and told
// afterwards with no lock held.

#ifndef MYMALLOC_ANSWER_SNAPSHOT_H_
#define MYMALLOC_ANSWER_SNAPSHOT_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/mymalloc.h"
#include "mymalloc/page/page_glance.h"
#include "tree/interval.h"

namespace mymalloc {

class Snapshot {
 public:
  Snapshot();
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  // Else the system had no memory for it.
  bool taken() const { return memory_.begin != 0; }

  // Of a slot: a mymalloc_state, or
  static constexpr unsigned kNoPlace = MYMALLOC_NO_STATE;
  static constexpr unsigned kContinues = 15;  // the block of the slot before goes on

  // What is noted of a page: half a byte for each slot; where tags have notes, behind it also how
  // much of each block was not asked for.
  struct Page {
    uintptr_t page;
    uint16_t heap;
    uint8_t size_class;
    bool noted;
    uint8_t states[kSlotsPerPage / 2];

    unsigned StateAt(SlotIndex slot) const {
      return states[slot.value() / 2] >> (slot.value() % 2 * 4) & 15;
    }
    void SetState(SlotIndex slot, unsigned state) {
      states[slot.value() / 2] |= static_cast<uint8_t>(state << (slot.value() % 2 * 4));
    }
    SizeClass size_class_of() const { return SizeClass(size_class); }
    SlotIndex slots_end() const { return kFirstSlot + SlotsOf(size_class_of()); }
    // The slots of the block that begins there.
    SlotRun RunAt(SlotIndex first) const;
    void Describe(SlotIndex first, mymalloc_info* info) const;

    const uint16_t* slacks() const { return reinterpret_cast<const uint16_t*>(this + 1); }
    uint16_t* slacks() { return reinterpret_cast<uint16_t*>(this + 1); }
  };

  // Calls visit_page(page) or visit_other(info) for each in the order of addresses, but freed large
  // blocks that are held back last, as long as they return true.
  template <typename VisitPage, typename VisitOther>
  void ForEach(VisitPage&& visit_page, VisitOther&& visit_other) const {
    for (uintptr_t at = memory_.begin; at < end_;) {
      const auto& item = *reinterpret_cast<const Item*>(at);
      const void* const noted = &item + 1;
      at += sizeof(Item) + item.bytes;
      if (!(item.is_page ? visit_page(*static_cast<const Page*>(noted))
                         : visit_other(*static_cast<const mymalloc_info*>(noted)))) {
        return;
      }
    }
  }
  // Calls visit(info) for each block, as long as it returns true.
  template <typename Visit>
  void ForEachBlock(Visit&& visit) const {
    ForEach([&visit](const Page& page) { return ForEachIn(page, visit); }, visit);
  }

 private:
  struct Item {
    uint32_t bytes;
    uint32_t is_page;
  };
  static_assert(sizeof(Item) == 8 && sizeof(Page) % 8 == 0 && sizeof(mymalloc_info) % 8 == 0,
                "what is noted is aligned");

  template <typename Visit>
  static bool ForEachIn(const Page& page, Visit&& visit);

  template <typename Visit>
  static void ForEachOther(Visit&& visit);
  static size_t PageBytes();
  void Count();
  void Take();
  void* Add(bool is_page, size_t bytes);
  void AddPage(const PageHeader& header);
  void AddOther(const mymalloc_info& info);

  Interval memory_{};
  uintptr_t end_ = 0;
  size_t needed_ = 0;
};

template <typename Visit>
bool Snapshot::ForEachIn(const Page& page, Visit&& visit) {
  for (SlotIndex slot = kFirstSlot; slot < page.slots_end(); slot = page.RunAt(slot).end()) {
    if (page.StateAt(slot) == kNoPlace) continue;
    mymalloc_info info = {};
    page.Describe(slot, &info);
    if (!visit(info)) return false;
  }
  return true;
}

}  // namespace mymalloc

#endif  // MYMALLOC_ANSWER_SNAPSHOT_H_
