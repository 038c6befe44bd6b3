// The tag: the 8 bytes before every pointer handed out.
//
//    63                              31 30   29        16 15    8 7       0
//   +----------------------------------+----+------------+-------+---------+
//   | check: keyed by secret, address  |live| owning heap|  slot |  class  |
//   |        and the low 31 bits       |    |            |       |         |
//   +----------------------------------+----+------------+-------+---------+
//
// With a and b secret (b odd), the check is the top 33 bits of
//
//   ((address ^ a) + (low << 33)) * b
//
// - A tag copied to another address does not verify: the product differs in its top 33 bits but for
//   one chance in 2^33.
// - Any change to the low 31 bits alone changes the check, without exception: low << 33, times an
//   odd number, is injective in the top 31 bits. So an overrun of one to three bytes from the block
//   before (it reaches the lowest bytes first) never verifies.
// - Flipping `live` changes the tag by a constant, LiveDelta(): one addition marks a block live,
// one
//   subtraction marks it free, and no product is needed.

#ifndef MYMALLOC_PAGE_TAG_H_
#define MYMALLOC_PAGE_TAG_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/page/size_class.h"

namespace mymalloc {

using HeapId = uint32_t;

struct TagSecret {
  uint64_t a;
  uint64_t b;           // odd
  uint64_t live_delta;  // what `live` adds to a tag

  static constexpr unsigned kLowBits = 31;
  static constexpr uint64_t kLowMask = (uint64_t{1} << kLowBits) - 1;
  static constexpr unsigned kLowShift = 64 - kLowBits;

  void Set(uint64_t random_a, uint64_t random_b);
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

  // The heap in the tags of blocks that are nobody's by the tag alone: no thread's short way takes
  // them for its own. They are runs (below) and large blocks.
  static constexpr HeapId kNobody = 0;
  // The class of blocks that lie in no page: each has a mapping of its own (heap/large.h).
  static constexpr SizeClass kLargeClass = (1u << kClassBits) - 1;
  static_assert(kSizeClasses <= kLargeClass, "no slot class has that number");

  explicit constexpr Tag(uint64_t bits) : bits_(bits) {}

  // The low bits of a free block's tag. Adding Low(0, 0, n) adds n to the slot.
  static constexpr uint64_t Low(HeapId heap, SizeClass c, unsigned slot) {
    return (uint64_t{heap} << kHeapShift) | (uint64_t{slot} << kClassBits) | c;
  }
  // A free block's tag.
  static Tag Make(uintptr_t block, uint64_t low, const TagSecret& secret = g_tag_secret) {
    return Tag((Product(block, low, secret) & ~TagSecret::kLowMask) | low);
  }
  static Tag Make(uintptr_t block, HeapId heap, SizeClass c, unsigned slot) {
    return Make(block, Low(heap, c, slot));
  }

  // Reading and writing is atomic only so that the threads that look at a block that is not theirs
  // (the janitor, a double free) read one value or the other; it orders nothing.
  static Tag Of(uintptr_t block) { return Tag(__atomic_load_n(Address(block), __ATOMIC_RELAXED)); }
  void WriteTo(uintptr_t block) const { __atomic_store_n(Address(block), bits_, __ATOMIC_RELAXED); }

  bool Verifies(uintptr_t block, const TagSecret& secret = g_tag_secret) const {
    return ((Product(block, bits_, secret) ^ bits_) & ~TagSecret::kLowMask) == 0;
  }
  // REQUIRES: it verifies, here and below.
  bool live() const { return (bits_ & kLive) != 0; }
  HeapId heap() const {
    return static_cast<HeapId>((bits_ >> kHeapShift) & ((1u << kHeapBits) - 1));
  }
  SizeClass size_class() const { return static_cast<SizeClass>(bits_ & ((1u << kClassBits) - 1)); }
  unsigned slot() const { return static_cast<unsigned>(bits_ >> kClassBits) & (kSlotsPerPage - 1); }

  // A run: a live block that realloc has grown over the slots behind its own (heap/heap_runs.cc).
  // Its tag has the number of its slots where others have the number of their slot.
  static Tag MakeRun(uintptr_t block, SizeClass c, unsigned slots) {
    return Make(block, kNobody, c, slots).Live();
  }
  bool IsRun() const { return heap() == kNobody && size_class() != kLargeClass; }
  unsigned slots() const { return IsRun() ? slot() : 1; }

  // What a heap's fast path needs to know, in half a cache line.
  struct Key {
    TagSecret secret;
    uint64_t owner;  // OwnerBits(heap), shifted to where they enter the product

    void Set(uint64_t owner_bits) {
      secret = g_tag_secret;
      owner = owner_bits << TagSecret::kLowShift;
    }
  };
  static constexpr uint64_t OwnerBits(HeapId heap) {
    return kLive | (uint64_t{heap} << kHeapShift);
  }

  // Whether it verifies, says live, and names the key's owner: three questions in one comparison,
  // as the owner fields that enter the product are not the tag's but the key's. (So damage to
  // nothing but those fields of the tag, which no overrun does, is found only when the block goes
  // back to a bitmap.)
  bool VerifiesAsOwn(uintptr_t block, const Key& key) const {
    static_assert(kHeapShift == 16, "the class and the slot are the low half-word");
    const uint64_t class_and_slot = uint64_t{static_cast<uint16_t>(bits_)} << TagSecret::kLowShift;
    const uint64_t product = ((block ^ key.secret.a) + key.owner + class_and_slot) * key.secret.b;
    return (product ^ bits_) <= TagSecret::kLowMask;
  }

  // REQUIRES: free; live.
  Tag Live() const { return Tag(bits_ + g_tag_secret.live_delta); }
  Tag Free(const TagSecret& secret = g_tag_secret) const { return Tag(bits_ - secret.live_delta); }

  uint64_t bits() const { return bits_; }

 private:
  static uint64_t* Address(uintptr_t block) {
    return reinterpret_cast<uint64_t*>(block - kTagBytes);
  }
  // The shift drops all but the low 31 bits.
  static uint64_t Product(uintptr_t block, uint64_t low, const TagSecret& secret) {
    return ((block ^ secret.a) + (low << TagSecret::kLowShift)) * secret.b;
  }

  uint64_t bits_;
};

// Marks a free block live. The block is the caller's alone, so this may be one plain addition:
// whoever looks at it as a fence meanwhile reads the one value or the other.
inline void MarkLive(uintptr_t block, const TagSecret& secret = g_tag_secret) {
#if defined(MYMALLOC_SANITIZED)
  Tag::Of(block).Live().WriteTo(block);  // what ThreadSanitizer takes for the same
  static_cast<void>(secret);
#else
  *reinterpret_cast<uint64_t*>(block - kTagBytes) += secret.live_delta;
#endif
}

constexpr HeapId kMaxHeaps = 1u << Tag::kHeapBits;

}  // namespace mymalloc

#endif  // MYMALLOC_PAGE_TAG_H_
