// A page's header as it was a moment ago, for who looks at it without the heap's lock, at a page
// that may go away meanwhile: every word of it is read once, and what it says is bounded before
// anything is read by it.

#ifndef MYMALLOC_PAGE_PAGE_GLANCE_H_
#define MYMALLOC_PAGE_PAGE_GLANCE_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/page/page.h"

namespace mymalloc {

class PageGlance {
 public:
  explicit PageGlance(const PageHeader& page);

  // Whether it was a sound header. REQUIRES that, for all below.
  bool Intact() const { return intact_; }

  PageAddress page() const { return page_; }
  SizeClass size_class() const { return size_class_; }
  HeapId heap() const { return heap_; }
  size_t stride() const { return StrideOf(size_class_); }
  size_t bytes() const { return PageBytesOf(size_class_); }
  SlotIndex slots_end() const { return kFirstSlot + SlotsOf(size_class_); }
  SlotIndex touched_end() const { return touched_end_; }
  // May be slots_end() or above for the last bytes of a page.
  SlotIndex SlotAt(uintptr_t address) const {
    return SlotIndex(static_cast<unsigned>((address - page_) / stride()));
  }
  uintptr_t Block(SlotIndex slot) const { return page_ + slot.value() * stride(); }

  // Whether a block can be there: not in slot 0, under the header, behind the last.
  bool IsPlace(SlotIndex slot) const;
  // How many can be handed out, and how many of them are free.
  unsigned capacity() const { return capacity_; }
  unsigned CountFree() const { return free_.Count() + remote_.Count(); }
  bool IsFree(SlotIndex slot) const { return free_.Test(slot); }
  // Another thread has freed it, and its owner does not know yet.
  bool IsFreeRemotely(SlotIndex slot) const { return remote_.Test(slot); }

  // The run that a slot lies in; one slot long where that is none. Reads the tags: any memory that
  // is written on purpose can deceive it as it can deceive free.
  SlotRun RunAt(SlotIndex slot) const;
  // What stands before the block.
  Tag TagAt(SlotIndex slot) const;
  // Whether that is the tag of the block that is there.
  bool IsOwn(Tag tag, SlotIndex slot) const;

 private:
  PageAddress page_;
  uintptr_t header_;
  SizeClass size_class_;
  HeapId heap_;
  SlotIndex touched_end_;
  unsigned capacity_;
  bool intact_;
  SlotSet free_;
  SlotSet remote_;
};

// The same of a page that stays.
inline SlotRun RunAt(const PageHeader& page, SlotIndex slot) {
  return MayHaveRuns(page.size_class()) ? PageGlance(page).RunAt(slot) : SlotRun{slot, kOneSlot};
}

}  // namespace mymalloc

#endif  // MYMALLOC_PAGE_PAGE_GLANCE_H_
