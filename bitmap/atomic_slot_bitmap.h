// The atomic twin of SlotBitmap: a mailbox of up to 256 slots in 32 bytes.
//
// Any thread puts slots in (Release); the owner of the page takes them out (Collect). One atomic
// operation carries up to 64 slots either way, and no lock is ever held: a thread that is killed or
// forked between two instructions leaves nothing half done.
//
// Zeroed memory is an empty mailbox.

#ifndef MYMALLOC_BITMAP_ATOMIC_SLOT_BITMAP_H_
#define MYMALLOC_BITMAP_ATOMIC_SLOT_BITMAP_H_

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "bitmap/slot_bitmap.h"

namespace mymalloc {

class AtomicSlotBitmap {
 public:
  static constexpr unsigned kSlots = SlotBitmap::kSlots;
  static constexpr unsigned kSlotsPerWord = SlotBitmap::kSlotsPerWord;
  static constexpr unsigned kWords = SlotBitmap::kWords;

  AtomicSlotBitmap() = default;
  AtomicSlotBitmap(const AtomicSlotBitmap&) = delete;
  AtomicSlotBitmap& operator=(const AtomicSlotBitmap&) = delete;

  // Puts the slots of `mask` into word w and returns the word as it was before. Bits that it shares
  // with `mask` are double frees; if it was zero, this is the call that made the word non-empty.
  // What the caller wrote to the slots before is visible to the owner after its Collect; and the
  // caller sees what was written before every Release that it finds in the old word.
  // REQUIRES: w < kWords, here and below.
  uint64_t Release(unsigned w, uint64_t mask) {
    return words_[w].fetch_or(mask, std::memory_order_acq_rel);
  }

  // Takes everything out of word w. Each bit that a Release put in comes out exactly once.
  // Also a release operation: whoever finds the word empty afterwards knows that the owner has been
  // here, and sees what the owner did before.
  uint64_t Collect(unsigned w) { return words_[w].exchange(0, std::memory_order_acq_rel); }

  // A glance, ordered with nothing: good for "is it worth a Collect?" and for reports.
  uint64_t Peek(unsigned w) const { return words_[w].load(std::memory_order_relaxed); }

  // A glance at all words.
  bool Empty() const { return (Peek(0) | Peek(1) | Peek(2) | Peek(3)) == 0; }

 private:
  std::atomic<uint64_t> words_[kWords];
};

static_assert(sizeof(AtomicSlotBitmap) == sizeof(SlotBitmap), "the atomics add nothing");
static_assert(std::atomic<uint64_t>::is_always_lock_free, "no lock, hence no libatomic");
static_assert(std::is_standard_layout<AtomicSlotBitmap>::value &&
                  std::is_trivially_destructible<AtomicSlotBitmap>::value,
              "usable in zeroed memory");
static_assert(AtomicSlotBitmap::kWords == 4, "Empty spells the words out");

}  // namespace mymalloc

#endif  // MYMALLOC_BITMAP_ATOMIC_SLOT_BITMAP_H_
