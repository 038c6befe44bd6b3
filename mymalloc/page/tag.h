// The tag: the 8 bytes before every pointer handed out.
//
// What a tag says is a number of 31 bits, its low word; what stands in memory is
//
//   (block * spread + offset + low) * factor        mod 2^64
//
//    30   29        16 15    8 7       0
//   +----+------------+-------+---------+
//   |live| owning heap|  slot |  class  |           low
//   +----+------------+-------+---------+
//
// with three secrets, factor odd. Times the inverse of factor, less the rest, a tag gives back its
// low word; anything else gives any number of 64 bits, and all but one in 2^33 of those are longer
// than 31 bits: it does not verify. So
//
// - any change to the low 31 bits of a tag alone is found, without exception, and so is any change
//   to its high 33 bits alone. Changed by d it gives back low + d / factor; where d is a multiple
//   of 2^31, so is d / factor; and factor is chosen so that no smaller d has a d / factor nearer
//   to 0 than 2^31 (Set). An overrun from the block before reaches the lowest bytes first, a write
//   before the block itself the highest.
// - the first byte is class * factor mod 256, for all else is multiplied by 256: so it is never
//   zero, which is what most often overwrites it, at the end of a string.
// - a tag copied to another address does not verify: less than 32 GiB away without exception, for
//   spread is chosen as factor is; farther away but for one chance in 2^33.
// - flipping `live` changes the tag by live_delta: one addition marks a block live, one subtraction
//   marks it free, and no product is needed. It is a secret, as kLive * factor.
// - the tags of neighbours differ by what the stride and one slot add, times factor: one product
//   tells whether the tag behind a block is the one that belongs there (Key::Follows).
//
// With the options that ask for it (Policy::Notes) a tag says more of its block: how it was asked
// for stands above the low word, in a note.
//
//    48    46        31 30       0
//   +--------+---------+----------+
//   |  kind  |  slack  | as above |
//   +--------+---------+----------+
//
// By itself such a tag is told from anything else by 15 bits only (so what is said above of the
// high 33 bits holds but for one chance in 2^15). So whoever knows what must stand in the low word
// compares that, too: any change to the low 31 bits of the tag alone changes it.
//
// Who can read tags can solve for the secrets: three of them are enough, of two neighbours and of
// another class (//tests/misuse:reader_test). Any check that is as short as this one gives itself
// away like that.

#ifndef MYMALLOC_PAGE_TAG_H_
#define MYMALLOC_PAGE_TAG_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/kind.h"
#include "mymalloc/base/number.h"
#include "mymalloc/page/size_class.h"
#include "mymalloc/page/slot.h"

namespace mymalloc {

// Which heap.
using HeapId = Ordinal<struct HeapIdKind>;

// How a block was asked for.
struct Note {
  size_t slack = 0;  // what it has beyond that, in bytes
  Kind kind = Kind::kMalloc;

  static constexpr unsigned kSlackBits = 15;
  static constexpr unsigned kKindBits = 3;
  static constexpr size_t kMostSlack = (size_t{1} << kSlackBits) - 1;

  uint64_t bits() const { return slack | uint64_t{static_cast<uint8_t>(kind)} << kSlackBits; }
  static Note FromBits(uint64_t bits) {
    return {bits & kMostSlack, static_cast<Kind>(bits >> kSlackBits)};
  }
};

struct TagSecret {
  uint64_t spread;      // a multiple of 16
  uint64_t offset;      // a multiple of 256
  uint64_t factor;      // odd
  uint64_t inverse;     // of factor
  uint64_t live_delta;  // what `live` adds to a tag
  uint64_t most;        // what a tag may say: kLowMask, or with notes more
  uint64_t veil;        // see page/freed_from.h

  static constexpr unsigned kLowBits = 31;
  static constexpr uint64_t kLowMask = (uint64_t{1} << kLowBits) - 1;

  static constexpr uint64_t kMostNoted =
      (uint64_t{1} << (kLowBits + Note::kSlackBits + Note::kKindBits)) - 1;

  void Set(uint64_t random_a, uint64_t random_b);
  void AllowNotes() { most = kMostNoted; }
  bool NotesAllowed() const { return most != kLowMask; }
  // The bits of a note, where there are notes.
  uint64_t NoteField() const { return most ^ kLowMask; }

  uint64_t Encode(uintptr_t block, uint64_t low) const {
    return (block * spread + offset + low) * factor;
  }
  // At most kLowMask if the bits are a tag of this block.
  uint64_t Decode(uintptr_t block, uint64_t bits) const {
    return bits * inverse - block * spread - offset;
  }
};

// Written once, before the first block is handed out.
extern TagSecret g_tag_secret __attribute__((visibility("hidden")));

class Tag {
 public:
  static constexpr unsigned kClassBits = 8;
  static constexpr unsigned kSlotBits = 8;
  static constexpr unsigned kHeapBits = 14;
  static constexpr unsigned kHeapShift = kClassBits + kSlotBits;
  static constexpr uint64_t kLive = uint64_t{1} << (kHeapShift + kHeapBits);
  static_assert(kSlotsPerPage == 1u << kSlotBits, "a slot index fills its field");
  static_assert(kLive << 1 == TagSecret::kLowMask + 1, "the fields fill the low bits");

  // The heap in the tags of blocks that lie in no page (large/large.h); they have this class, too.
  static constexpr HeapId kNobody{0};
  static constexpr SizeClass kLargeClass{(1U << kClassBits) - 1};
  static_assert(kPageClasses <= kLargeClass.value(), "no page has that class");
  // Heaps have lower numbers. No block has a tag with this one: what expects it finds nothing.
  // Those above are runs, and so nobody's by the tag alone: no thread's short way takes one for its
  // own.
  static constexpr HeapId kNoHeap{(1U << kHeapBits) - 128};

  // No tag of any block.
  constexpr Tag() : bits_(0), low_(~uint64_t{0}) {}

  // The low word of a free block's tag. The fence of a page's last slot has one more than the last.
  static constexpr uint64_t Low(HeapId heap, SizeClass c, SlotIndex slot) {
    return (uint64_t{heap.value()} << kHeapShift) + slot.value() * kNextSlot + c.value();
  }
  // A free block's tag.
  static Tag Make(uintptr_t block, uint64_t low, const TagSecret& secret = g_tag_secret) {
    return Tag(secret.Encode(block, low), low);
  }
  static Tag Make(uintptr_t block, HeapId heap, SizeClass c, SlotIndex slot) {
    return Make(block, Low(heap, c, slot));
  }
  // What is added to a low word from one slot to the next; to a tag.
  static constexpr uint64_t kNextSlot = uint64_t{1} << kClassBits;
  static uint64_t Step(size_t stride) {
    return (stride * g_tag_secret.spread + kNextSlot) * g_tag_secret.factor;
  }
  // What stands before the block, or stood there.
  static Tag FromBits(uint64_t bits, uintptr_t block, const TagSecret& secret = g_tag_secret) {
    return Tag(bits, secret.Decode(block, bits));
  }
  // Bits of which that is known already.
  static Tag FromLow(uint64_t bits, uint64_t low) { return Tag(bits, low); }
  static Tag Of(uintptr_t block) { return FromBits(BitsOf(block), block); }

  // Reading and writing is atomic only so that the threads that look at a block that is not theirs
  // (the janitor, a double free) read one value or the other; it orders nothing.
  static uint64_t BitsOf(uintptr_t block) {
    return __atomic_load_n(Address(block), __ATOMIC_RELAXED);
  }
  static void WriteBits(uintptr_t block, uint64_t bits) {
    __atomic_store_n(Address(block), bits, __ATOMIC_RELAXED);
  }
  void WriteTo(uintptr_t block) const { WriteBits(block, bits_); }

  // The same where `before` stands. False if something else does: of several threads that try at
  // once one succeeds.
  bool Replace(uintptr_t block, Tag before) const {
    return __atomic_compare_exchange_n(Address(block), &before.bits_, bits_, /*weak=*/false,
                                       __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  }

  bool Verifies(uintptr_t block) const {
    return g_tag_secret.Decode(block, bits_) <= g_tag_secret.most;
  }
  // REQUIRES: it verifies, here and below.
  bool live() const { return (low_ & kLive) != 0; }
  HeapId heap() const {
    return HeapId(static_cast<unsigned>(low_ >> kHeapShift) & ((1U << kHeapBits) - 1));
  }
  SizeClass size_class() const { return ClassIn(low_); }
  // In a low word, or what Key::ClassAndSlot says.
  static constexpr SizeClass ClassIn(uint64_t low) {
    return SizeClass(static_cast<unsigned>(low & ((1U << kClassBits) - 1)));
  }
  SlotIndex slot() const {
    return SlotIndex(static_cast<unsigned>(low_ >> kClassBits) & (kSlotsPerPage - 1));
  }
  uint64_t low() const { return low_ & TagSecret::kLowMask; }
  Note note() const { return Note::FromBits(low_ >> TagSecret::kLowBits); }
  // The same tag with this note in the other's place.
  Tag WithNote(Note note) const {
    const uint64_t more = (note.bits() - (low_ >> TagSecret::kLowBits)) << TagSecret::kLowBits;
    return Tag(bits_ + more * g_tag_secret.factor, low_ + more);
  }
  // Whether it verifies and is one of a free block of this heap and class; of any slot.
  bool IsFreeOf(uintptr_t block, HeapId heap, SizeClass c) const {
    return Verifies(block) && (low() & ~kSlotField) == Low(heap, c, kFirstSlot);
  }
  // Whether it is that of the slot behind the one with this tag; either may be free or live.
  // REQUIRES: both verify, and none is of a run.
  bool Follows(Tag before) const { return ((low() ^ (before.low() + kNextSlot)) & ~kLive) == 0; }

  // Whether it verifies, says live, and names a heap.
  bool IsLiveInHeap() const {
    constexpr uint64_t kLeast = kLive | uint64_t{kNobody.value() + 1} << kHeapShift;
    return low_ - kLeast <= TagSecret::kLowMask - kLeast;
  }

  // The same for a tag that may have a note.
  bool IsNotedLiveInHeap() const {
    constexpr uint64_t kLeast = kLive | uint64_t{kNobody.value() + 1} << kHeapShift;
    return low_ <= g_tag_secret.most && low() >= kLeast;
  }

  // A run: a block of several slots. Its tag has their number in the heap's place; the page's
  // header knows the heap.
  static Tag MakeRun(uintptr_t block, SizeClass c, SlotIndex slot, SlotCount slots) {
    return Make(block, kNoHeap + slots.value(), c, slot);
  }
  bool IsRun() const { return heap() > kNoHeap; }
  SlotCount slots() const { return SlotCount(IsRun() ? heap() - kNoHeap : 1U); }

  static constexpr uint64_t kClassAndSlot = (uint64_t{1} << kHeapShift) - 1;
  static constexpr uint64_t kSlotField = kClassAndSlot - ((uint64_t{1} << kClassBits) - 1);

  // What a heap's short way needs to know, in half a cache line.
  struct Key {
    uint64_t spread;
    uint64_t inverse;
    uint64_t own;  // offset, and OwnerBits(heap)
    uint64_t live_delta;

    void Set(uint64_t owner_bits) {
      spread = g_tag_secret.spread;
      inverse = g_tag_secret.inverse;
      own = g_tag_secret.offset + owner_bits;
      live_delta = g_tag_secret.live_delta;
    }
    // The class and the slot of a tag that verifies, says live, and names the key's owner: three
    // questions in one. More than kClassAndSlot if one is answered with no.
    uint64_t ClassAndSlot(uintptr_t block, uint64_t bits) const {
      return bits * inverse - block * spread - own;
    }
    // Whether the tag `next` belongs to the slot behind the one that has this live tag; it may be
    // free or live.
    bool Follows(uint64_t next, uint64_t bits, size_t stride) const {
      const uint64_t difference = stride * spread + kNextSlot - (next - bits) * inverse;
      return (difference & ~kLive) == 0;
    }
  };
  static constexpr uint64_t OwnerBits(HeapId heap) {
    return kLive | (uint64_t{heap.value()} << kHeapShift);
  }
  // The tag of these bits, of which key.ClassAndSlot has said this.
  static Tag FromKey(uint64_t bits, uint64_t class_and_slot, const Key& key) {
    return Tag(bits, class_and_slot + key.own - g_tag_secret.offset);
  }
  bool VerifiesAsOwn(uintptr_t block, const Key& key) const {
    return key.ClassAndSlot(block, bits_) <= kClassAndSlot;
  }

  // REQUIRES: free; live.
  Tag Live() const { return Tag(bits_ + g_tag_secret.live_delta, low_ + kLive); }
  Tag Free() const { return Tag(bits_ - g_tag_secret.live_delta, low_ - kLive); }

  uint64_t bits() const { return bits_; }

 private:
  constexpr Tag(uint64_t bits, uint64_t low) : bits_(bits), low_(low) {}

  static uint64_t* Address(uintptr_t block) {
    return reinterpret_cast<uint64_t*>(block - kTagBytes);
  }

  uint64_t bits_;
  uint64_t low_;
};

// What the tags at a block and near it say, with their notes; far more where there is no tag. For
// who has to look at several: the secrets are loaded once.
class Tags {
 public:
  explicit Tags(uintptr_t block)
      : spread_(g_tag_secret.spread),
        inverse_(g_tag_secret.inverse),
        base_(block * spread_ + g_tag_secret.offset) {}

  uint64_t LowOf(uint64_t bits) const { return bits * inverse_ - base_; }
  // What is to be taken from that for the tag of a block so far behind.
  uint64_t Away(size_t distance) const { return distance * spread_; }
  // The block's own tag if it says this.
  uint64_t BitsFor(uint64_t low) const { return (base_ + low) * g_tag_secret.factor; }

  // Whether a tag says this, but for the bits in `open`.
  static bool Says(uint64_t found, uint64_t low, uint64_t open) {
    return ((found ^ low) & ~open) == 0;
  }

 private:
  uint64_t spread_;
  uint64_t inverse_;
  uint64_t base_;
};

// Marks a free block live. The block is the caller's alone, so this may be one plain addition:
// whoever looks at it as a fence meanwhile reads the one value or the other.
inline void MarkLive(uintptr_t block, uint64_t live_delta = g_tag_secret.live_delta) {
#if defined(MYMALLOC_SANITIZED)
  Tag::WriteBits(block,
                 Tag::BitsOf(block) + live_delta);  // what ThreadSanitizer takes for the same
#else
  *reinterpret_cast<uint64_t*>(block - kTagBytes) += live_delta;
#endif
}

constexpr HeapId kFirstHeap{1};
constexpr unsigned kMaxHeaps = Tag::kNoHeap.value();
static_assert(kMostRunSlots.value() < (1U << Tag::kHeapBits) - kMaxHeaps, "every run has a number");

}  // namespace mymalloc

#endif  // MYMALLOC_PAGE_TAG_H_
