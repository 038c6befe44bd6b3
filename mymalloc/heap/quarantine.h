// Freed blocks that are kept from reuse for a while: a program that goes on using one does not meet
// another's data in it, and what it writes there is found when the block leaves. Filled with a
// pattern whose words are no address, so that a pointer read from one faults.
//
// Belongs to the thread that has the heap; takes blocks of other heaps too. A fork may copy it
// between any two instructions of its thread, and the child goes on with the copy: so what lies in
// the ring must at all times be in quarantine, and lie there once. What was on its way then is
// lost.

#ifndef MYMALLOC_HEAP_QUARANTINE_H_
#define MYMALLOC_HEAP_QUARANTINE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/attributes.h"
#include "mymalloc/page/size_class.h"

// The pairs of words in 264 bytes, from the last to the first: a loop would cost more.
#define MYMALLOC_FOR_EACH_PAIR(X) \
  X(15) X(14) X(13) X(12) X(11) X(10) X(9) X(8) X(7) X(6) X(5) X(4) X(3) X(2) X(1) X(0)

namespace mymalloc {

class Quarantine {
 public:
  static constexpr unsigned kMostBlocks = 4096;
  static constexpr unsigned char kPattern = 0xfd;

  struct Item {
    uintptr_t block = 0;
    SizeClass size_class{};
    uintptr_t caller = 0;  // from where it was freed
  };

  // Whether a block of this class fits beside the others if all may have `most_bytes`.
  bool HasRoom(SizeClass c, size_t most_bytes) const {
    return count_ == 0 || (count_ < kMostBlocks && bytes_ + StrideOf(c) <= most_bytes);
  }

  // Fills the block, which is marked free, and keeps it. False when there is no memory for that.
  // REQUIRES: HasRoom.
  bool Put(Item item);
  // Takes one of the older half, chosen by a random number of 32 bits; the oldest for 0.
  // REQUIRES: not empty.
  Item Take(uint32_t random);

  // The first byte that no longer holds the pattern; 0 if there is none.
  static uintptr_t FindWrite(Item item) {
    const size_t usable = UsableOf(item.size_class);
    return IsFilled(item.block, usable) ? 0 : FindForeignByte(item.block, usable);
  }

  // Of memory of any length that is a multiple of 8, at a multiple of 16.
  static void Fill(uintptr_t begin, size_t bytes, unsigned char byte = kPattern);
  static bool IsFilled(uintptr_t begin, size_t bytes);
  static uintptr_t FindForeignByte(uintptr_t begin, size_t bytes);
  // How many follow each other from there on that do not hold the pattern.
  static size_t CountForeign(uintptr_t begin, size_t most);

  // Calls visit(item) for each.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (unsigned i = 0; i < count_; ++i) visit(Unpack(items_[(first_ + i) % kMostBlocks]));
  }

 private:
  friend struct Layout;

  using Pair = uint64_t __attribute__((vector_size(16)));

  // An address has 47 bits.
  static constexpr unsigned kClassShift = 48;
  static Item Unpack(Pair item) {
    return {item[0] & ((uint64_t{1} << kClassShift) - 1),
            SizeClass(static_cast<unsigned>(item[0] >> kClassShift)), item[1]};
  }
  static Pair Pack(Item item) {
    return Pair{item.block | uint64_t{item.size_class.value()} << kClassShift, item.caller};
  }

  // Up to here it is done in line: the C library's functions cost more to call.
  static constexpr size_t kShort = 16 * 16 + 8;
  static constexpr uint64_t kWord = kPattern * (~uint64_t{0} / 255);

  // The kernel's copy sees stores in their order.
  static void KeepOrder() { std::atomic_signal_fence(std::memory_order_seq_cst); }
  static bool IsFilledLong(uintptr_t begin, size_t bytes);
  bool AllocateItems();

  Pair* items_;  // a ring; each is copied by one instruction
  unsigned first_;
  unsigned count_;
  size_t bytes_;
};

inline bool Quarantine::Put(Item item) {
  if (__builtin_expect(items_ == nullptr, 0) && !AllocateItems()) return false;
  Fill(item.block, UsableOf(item.size_class));
  if (count_ == 0) bytes_ = 0;
  items_[(first_ + count_) % kMostBlocks] = Pack(item);
  bytes_ += StrideOf(item.size_class);
  KeepOrder();
  ++count_;
  return true;
}

inline Quarantine::Item Quarantine::Take(uint32_t random) {
  const unsigned half = (count_ + 1) / 2;
  const unsigned i = static_cast<unsigned>(uint64_t{random} * half >> 32);
  Pair& chosen = items_[(first_ + i) % kMostBlocks];
  const Pair oldest = items_[first_];
  const Item item = Unpack(chosen);
  --count_;  // without the youngest,
  KeepOrder();
  first_ = (first_ + 1) % kMostBlocks;  // with it again, and without the oldest,
  KeepOrder();
  chosen = oldest;  // which takes the other's place, before that goes anywhere
  KeepOrder();
  bytes_ -= StrideOf(item.size_class);
  return item;
}

// The last word is done alone: in a block it is half of 16 bytes whose other half is a tag.
inline void Quarantine::Fill(uintptr_t begin, size_t bytes, unsigned char byte) {
  if (bytes > kShort) {
    __builtin_memset(reinterpret_cast<void*>(begin), byte, bytes);
    return;
  }
  const uint64_t word = byte * (~uint64_t{0} / 255);
  const Pair pair = {word, word};
  auto* const pairs = reinterpret_cast<Pair*>(begin);
  *reinterpret_cast<uint64_t*>(begin + bytes - sizeof(word)) = word;
  switch (bytes / sizeof(Pair)) {
#define MYMALLOC_FILL(i) \
  case (i) + 1:          \
    pairs[i] = pair;     \
    [[fallthrough]];
    MYMALLOC_FOR_EACH_PAIR(MYMALLOC_FILL)
#undef MYMALLOC_FILL
    case 0:
      break;
  }
}

ABSL_ATTRIBUTE_ALWAYS_INLINE inline bool Quarantine::IsFilled(uintptr_t begin, size_t bytes) {
  if (bytes > kShort) return IsFilledLong(begin, bytes);
  constexpr Pair kPairPattern = {kWord, kWord};
  const auto* const pairs = reinterpret_cast<const Pair*>(begin);
  Pair difference = {*reinterpret_cast<const uint64_t*>(begin + bytes - sizeof(kWord)) ^ kWord, 0};
  switch (bytes / sizeof(Pair)) {
#define MYMALLOC_COMPARE(i)                \
  case (i) + 1:                            \
    difference |= pairs[i] ^ kPairPattern; \
    [[fallthrough]];
    MYMALLOC_FOR_EACH_PAIR(MYMALLOC_COMPARE)
#undef MYMALLOC_COMPARE
    case 0:
      break;
  }
  return (difference[0] | difference[1]) == 0;
}

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_QUARANTINE_H_
