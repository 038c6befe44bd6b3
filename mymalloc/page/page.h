// A page: 256 slots of one stride, with its header among them.
//
//   |slot 0|slot 1|  ...  header (192 bytes)  ...  |slot 254|slot 255|
//
// Slot i's block begins at page + i * stride and is stride - 8 bytes long; its tag is in the 8
// bytes before it, the end of slot i - 1. Slot 0 has no room for its tag and is never handed out,
// nor are the slots under the header: their bits are born taken.
//
// Pages of long slots have fewer (SlotsOf): the bits of the others are born taken as well.
//
// The header lies in the page's first unit (4 KiB), at a 64-byte line that depends on the page's
// address (its colour): were it always the first line, all headers would compete for the same cache
// sets.
//
// A header is changed under the lock of the heap that owns the page, but for the remote half, which
// any thread writes to.

#ifndef MYMALLOC_PAGE_PAGE_H_
#define MYMALLOC_PAGE_PAGE_H_

#include <cstddef>
#include <cstdint>

#include "bitmap/atomic_slot_bitmap.h"
#include "bitmap/slot_bitmap.h"
#include "mymalloc/base/number.h"
#include "mymalloc/base/units.h"
#include "mymalloc/page/size_class.h"
#include "mymalloc/page/slot.h"
#include "mymalloc/page/tag.h"

namespace mymalloc {

// Where a page begins: at no block, so the address of one is none.
class PageAddress : public Number<PageAddress, uintptr_t> {
 public:
  using Number<PageAddress, uintptr_t>::Number;

  friend constexpr uintptr_t operator+(PageAddress page, size_t offset) {
    return page.value() + offset;
  }
  friend constexpr size_t operator-(uintptr_t address, PageAddress page) {
    return address - page.value();
  }
};

struct alignas(64) PageHeader {
  // The owner's half: one cache line.
  SlotSet free;
  PageHeader* next;  // in the heap's list of pages of this class with a free slot
  PageHeader* prev;
  uint32_t check;  // keyed by the page's address, class and heap: see Check()
  uint32_t heap_number : 16;
  uint32_t class_number : 8;
  uint32_t capacity : 8;   // slots that can be handed out
  uint8_t free_count;      // how many of them are free
  uint8_t longest;         // of a run class: so many free ones follow each other, if not more
  uint16_t high_water;     // slots at and above it have not been touched: they are zero
  uint16_t dirty;          // free slots that are not clean
  uint16_t freed_at : 14;  // tick of the last free, for decay (process/janitor.h)
  uint16_t purged : 1;     // memory of free slots has been given back

  // The other threads' half. The thread that makes a word of `remote` non-empty puts that word on
  // the owner's list by its link: so there is never more than one such thread for a word, and
  // the page cannot go away before the owner has taken the word from the list.
  AtomicSlotBitmap remote;
  std::atomic<uintptr_t> remote_link[AtomicSlotBitmap::kWords];

  // The owner's again. Free slots that are not resident, or were looked at and could not be given
  // back.
  SlotSet clean;
  // See heap/page_queue.h.
  struct QueueLink {
    PageHeader* next = nullptr;  // the page itself if it is the last; nullptr if it is in no queue
    PageHeader* prev = nullptr;
  };
  QueueLink queue[2];

  static constexpr uint16_t kTickMask = (1u << 14) - 1;

  // Keyed, of what is the page's for good.
  static uint32_t CheckOf(PageAddress page, HeapId heap, SizeClass c, unsigned capacity);
  uint32_t Check() const { return CheckOf(page(), heap(), size_class(), capacity); }
  bool Intact() const { return check == Check(); }

  PageAddress page() const {
    return PageAddress(RoundDown(reinterpret_cast<uintptr_t>(this), kPageUnit));
  }
  HeapId heap() const { return HeapId(heap_number); }
  SizeClass size_class() const { return SizeClass(class_number); }
  size_t stride() const { return StrideOf(size_class()); }
  size_t bytes() const { return PageBytesOf(size_class()); }
  SlotCount slots() const { return SlotsOf(size_class()); }
  SlotIndex slots_end() const { return kFirstSlot + slots(); }
  Each<SlotIndex> EachSlot() const { return {kFirstSlot, slots_end()}; }
  // The slot at and above which none has been touched.
  SlotIndex touched_end() const { return SlotIndex(high_water); }
  // The slot that an address of the page lies in.
  SlotIndex SlotAt(uintptr_t address) const {
    return SlotIndex(static_cast<unsigned>((address - page()) / stride()));
  }
  uintptr_t Block(SlotIndex slot) const { return page() + slot.value() * stride(); }
  // The fence of a block is the tag of the slot behind it: where a write past its end shows first.
  // For each slot that is taken, that tag verifies, be the slot behind taken, free, under the
  // header, or beyond the last (then the word lies at the very end of the page and is nobody
  // else's).
  void WriteFence(SlotIndex slot) const {
    Tag::Make(Block(slot), heap(), size_class(), slot).WriteTo(Block(slot));
  }
  // Whether the place of the block's tag lies under this header: then it is no slot's.
  bool CoversTagOf(uintptr_t block) const {
    const uintptr_t header = reinterpret_cast<uintptr_t>(this);
    return block > header && block < header + sizeof(PageHeader) + kTagBytes;
  }
  // Whether a block can be in the slot: not in slot 0, nor under this header.
  bool IsPlace(SlotIndex slot) const {
    return slot != kFirstSlot &&
           IsClearOf(reinterpret_cast<uintptr_t>(this), Block(slot) - kTagBytes, stride());
  }
  // Whether a slot, from its tag on, does not overlap a header.
  static bool IsClearOf(uintptr_t header, uintptr_t begin, size_t stride);
  bool AllFree() const { return free_count == capacity; }
  // Whether so many free slots are most of the page: then it is one to give back from. Of short
  // slots more must be free, or hardly any kernel page would be; of a run class half is enough.
  bool IsSparse(unsigned free_slots) const {
    const unsigned taken = capacity - free_slots;
    const unsigned share = IsRunClass(size_class()) ? 2 : stride() >= KernelPage() / 4 ? 4 : 8;
    return taken * share <= capacity;
  }
  // Slots that have been handed out, or could have been: neither untouched nor the page's own.
  unsigned UsedSlots() const {
    if (high_water == 0) return 0;
    const size_t header_end = reinterpret_cast<uintptr_t>(this) - page() + sizeof(PageHeader);
    const bool past_header = TouchedBytes() > header_end + kTagBytes - 1;
    return high_water - (past_header ? slots().value() - capacity : 1);
  }
  size_t UsedBytes() const { return UsedSlots() * stride(); }
  // Bytes of slots that may be resident; of the page, which has at least its header.
  size_t TouchedBytes() const { return high_water * stride(); }
  size_t ResidentBytes() const { return Max(TouchedBytes(), KernelPage()); }
  size_t DirtyBytes() const { return dirty * stride(); }
  // What `dirty` should be.
  unsigned CountDirty() const {
    unsigned count = 0;
    for (unsigned w = 0; w < SlotBitmap::kWords; ++w) {
      count += SlotBitmap::PopCount(free.Word(w) & ~clean.Word(w));
    }
    return count;
  }
};

inline bool PageHeader::IsClearOf(uintptr_t header, uintptr_t begin, size_t stride) {
  return begin >= header + sizeof(PageHeader) || begin + stride <= header;
}

static_assert(sizeof(PageHeader) == 192, "three cache lines");
static_assert(offsetof(PageHeader, remote) == 64, "other threads write to a line of their own");

constexpr size_t kHeaderColours = 32;
constexpr size_t kColourStep = 64;
static_assert((kHeaderColours - 1) * kColourStep + sizeof(PageHeader) <= kPageUnit,
              "in the first unit, which even the shortest page has");

inline PageHeader* HeaderOf(PageAddress page) {
  const size_t colour = page.value() / kPageUnit % kHeaderColours;
  return reinterpret_cast<PageHeader*>(page + colour * kColourStep);
}

// Whether what lies behind a live block is as it was written (see WriteFence): false if the block
// was overrun. REQUIRES: the tag verified, and is that of one slot.
inline bool FenceVerifies(uintptr_t block, Tag tag) {
  const uintptr_t fence = block + StrideOf(tag.size_class());
  const Tag next = Tag::Of(fence);
  return next.Verifies(fence) && (!g_tag_secret.NotesAllowed() || next.Follows(tag));
}

// The same at less cost, for a block of one slot. Also false where a run begins behind the block.
inline bool FenceFollows(uintptr_t block, uint64_t bits, SizeClass c, const Tag::Key& key) {
  const size_t stride = StrideOf(c);
  return key.Follows(Tag::BitsOf(block + stride), bits, stride);
}

// The header of the page that a block with this verified tag lies in.
inline PageHeader* HeaderOf(uintptr_t block, Tag tag) {
  return HeaderOf(PageAddress(block - tag.slot().value() * StrideOf(tag.size_class())));
}

// Without the lock: the slot may be taken or freed just now. ThreadSanitizer is right to call this
// a race; for it, `otherwise` is the answer that makes the caller ask again under the lock.
inline bool LooksFree(const PageHeader& page, SlotIndex slot, [[maybe_unused]] bool otherwise) {
#if defined(MYMALLOC_SANITIZED)
  static_cast<void>(page), static_cast<void>(slot);
  return otherwise;
#else
  return page.free.Test(slot);
#endif
}

// Of shorter slots malloc makes no runs: to copy so little costs less than to free a run.
constexpr size_t kLeastRunStride = 1024;
// Whether blocks of several slots may lie in pages of the class. Strides are in order up to the run
// classes.
inline constexpr SizeClass kFirstWithRuns = [] {
  SizeClass c = kSmallestClass;
  while (StrideOf(c) < kLeastRunStride) ++c;
  return c;
}();
constexpr bool MayHaveRuns(SizeClass c) { return c >= kFirstWithRuns; }

// Makes a page in fresh or used memory. `touched`: bytes at its front beyond which it is zero.
PageHeader* FormatPage(PageAddress page, SizeClass c, HeapId heap, size_t touched);

}  // namespace mymalloc

#endif  // MYMALLOC_PAGE_PAGE_H_
