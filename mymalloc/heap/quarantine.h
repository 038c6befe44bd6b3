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
#include "absl/base/optimization.h"
#include "mymalloc/base/number.h"
#include "mymalloc/page/size_class.h"

namespace mymalloc {

class Quarantine {
 public:
  static constexpr unsigned kMostBlocks = 4096;
  static constexpr unsigned char kPattern = 0xfd;
  // What a short block counts as: of those too many would be what is used next by turns, and in no
  // cache.
  static constexpr size_t kLeastWeight = 128;

  struct Item {
    uintptr_t block = 0;
    SizeClass size_class{};
    uintptr_t caller = 0;  // from where it was freed
  };

  // Whether a block of this class fits beside the others if all may have `most_bytes`.
  bool HasRoom(SizeClass c, size_t most_bytes) const {
    return count_ == 0 || (count_ < kMostBlocks && bytes_ + WeightOf(StrideOf(c)) <= most_bytes);
  }

  // Fills the block, which is marked free, and keeps it. False when there is no memory for that.
  // REQUIRES: HasRoom.
  bool Put(Item item);
  // The same where it takes few instructions; false also if it would take more, or there is no
  // room. REQUIRES: usable <= kShort, and is that of the item's class.
  bool TryPut(Item item, size_t usable, size_t most_bytes);
  // Takes one of the oldest 64, or of the older half, chosen by a random number of 32 bits; the
  // oldest for 0.
  // REQUIRES: not empty.
  Item Take(uint32_t random);

  // The first byte that no longer holds the pattern; 0 if there is none.
  static uintptr_t FindWrite(Item item) {
    const size_t usable = UsableOf(item.size_class);
    return IsFilled(item.block, usable) ? 0 : FindForeignByte(item.block, usable);
  }

  // Of memory of any length that is a multiple of 8, at a multiple of 16.
  static void Fill(uintptr_t begin, size_t bytes, unsigned char byte = kPattern);
  // Up to here it is done in line: the C library's functions cost more to call.
  static constexpr size_t kShort = 16 * 16 + 8;
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

  static constexpr uint64_t kWord = kPattern * (~uint64_t{0} / 255);
  static constexpr unsigned kChoice = 64;

  // The kernel's copy sees stores in their order.
  static void KeepOrder() { std::atomic_signal_fence(std::memory_order_seq_cst); }
  static bool IsFilledLong(uintptr_t begin, size_t bytes);
  static constexpr size_t WeightOf(size_t stride) { return Max(stride, kLeastWeight); }
  static void FillShort(uintptr_t begin, size_t bytes, uint64_t word);
  bool AllocateItems();
  void Append(Item item);

  Pair* items_;  // a ring; each is copied by one instruction
  unsigned first_;
  unsigned count_;
  size_t bytes_;
};

inline void Quarantine::Append(Item item) {
  items_[(first_ + count_) % kMostBlocks] = Pack(item);
  bytes_ += WeightOf(StrideOf(item.size_class));
  KeepOrder();
  ++count_;
}

inline bool Quarantine::Put(Item item) {
  if (items_ == nullptr && !AllocateItems()) return false;
  Fill(item.block, UsableOf(item.size_class));
  if (count_ == 0) bytes_ = 0;
  Append(item);
  return true;
}

// With none in it yet, Put has more to do.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline bool Quarantine::TryPut(Item item, size_t usable,
                                                            size_t most_bytes) {
  if (ABSL_PREDICT_FALSE(count_ - 1 >= kMostBlocks - 1 ||
                         bytes_ + WeightOf(usable + kTagBytes) > most_bytes)) {
    return false;
  }
  FillShort(item.block, usable, kWord);
  Append(item);
  return true;
}

inline Quarantine::Item Quarantine::Take(uint32_t random) {
  const unsigned choice = Min((count_ + 1) / 2, kChoice);
  const unsigned i = static_cast<unsigned>(uint64_t{random} * choice >> 32);
  Pair& chosen = items_[(first_ + i) % kMostBlocks];
  const Pair oldest = items_[first_];
  const Item item = Unpack(chosen);
  --count_;  // without the youngest,
  KeepOrder();
  first_ = (first_ + 1) % kMostBlocks;  // with it again, and without the oldest,
  KeepOrder();
  chosen = oldest;  // which takes the other's place, before that goes anywhere
  KeepOrder();
  bytes_ -= WeightOf(StrideOf(item.size_class));
  return item;
}

inline void Quarantine::Fill(uintptr_t begin, size_t bytes, unsigned char byte) {
  if (bytes > kShort) {
    __builtin_memset(reinterpret_cast<void*>(begin), byte, bytes);
  } else {
    FillShort(begin, bytes, byte * (~uint64_t{0} / 255));
  }
}

// Calls pair(offset) so that these pairs of words cover `bytes`, of which the last word of a block
// is half of one. Some are covered twice: a branch for each length would be guessed wrong more
// often than not.
template <typename OnPair>
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void ForEachPair(size_t bytes, OnPair&& pair) {
  const size_t last = bytes - 16;
  pair(last);
  for (size_t offset = 0; offset < last; offset += 64) {
    const size_t rest = last - offset;
    pair(offset);
    pair(offset + Min<size_t>(rest, 16));
    pair(offset + Min<size_t>(rest, 32));
    pair(offset + Min<size_t>(rest, 48));
  }
}

ABSL_ATTRIBUTE_ALWAYS_INLINE inline void Quarantine::FillShort(uintptr_t begin, size_t bytes,
                                                               uint64_t word) {
  const Pair pair = {word, word};
  *reinterpret_cast<uint64_t*>(begin) = word;
  if (bytes < sizeof(pair)) return;
  ForEachPair(bytes, [&](size_t offset) ABSL_ATTRIBUTE_ALWAYS_INLINE {
    __builtin_memcpy(reinterpret_cast<void*>(begin + offset), &pair, sizeof(pair));
  });
}

ABSL_ATTRIBUTE_ALWAYS_INLINE inline bool Quarantine::IsFilled(uintptr_t begin, size_t bytes) {
  if (bytes > kShort) return IsFilledLong(begin, bytes);
  if (bytes < sizeof(Pair)) return *reinterpret_cast<const uint64_t*>(begin) == kWord;
  Pair difference = {0, 0};
  ForEachPair(bytes, [&](size_t offset) ABSL_ATTRIBUTE_ALWAYS_INLINE {
    Pair pair;
    __builtin_memcpy(&pair, reinterpret_cast<const void*>(begin + offset), sizeof(pair));
    difference |= pair ^ Pair { kWord, kWord };
  });
  return (difference[0] | difference[1]) == 0;
}

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_QUARANTINE_H_
