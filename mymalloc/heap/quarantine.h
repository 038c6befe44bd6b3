// Freed blocks that are kept from reuse for a while: a program that goes on
// using one does not meet another's data in it, and what it writes there is found when the block
// leaves. Filled with a pattern whose words are no address, so that a pointer read from one faults.
//
// Belongs to the thread that has the heap; takes blocks of other heaps too.

#ifndef MYMALLOC_HEAP_QUARANTINE_H_
#define MYMALLOC_HEAP_QUARANTINE_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/page/size_class.h"

namespace mymalloc {

class Quarantine {
 public:
  static constexpr unsigned kMostBlocks = 4096;
  static constexpr unsigned char kPattern = 0xfd;

  struct Item {
    uintptr_t block = 0;
    SizeClass size_class = 0;
  };

  // Whether a block of this class fits beside the others if all may have `most_bytes`.
  bool HasRoom(SizeClass c, size_t most_bytes) const {
    return count_ < kMostBlocks && bytes_ + StrideOf(c) <= most_bytes;
  }

  // Fills the block, which is marked free, and keeps it. False when there is no memory for that.
  // REQUIRES: HasRoom.
  bool Put(Item item);
  // Takes the oldest, or by a random number one of the older half. REQUIRES: not empty.
  Item Take(uint64_t random);

  // The first byte that no longer holds the pattern; 0 if there is none.
  static uintptr_t FindWrite(Item item);

  // Calls visit(item) for each.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (unsigned i = 0; i < count_; ++i) visit(Unpack(items_[(first_ + i) % kMostBlocks]));
  }

 private:
  // An address has 47 bits.
  static constexpr unsigned kClassShift = 48;
  static Item Unpack(uint64_t bits) {
    return {bits & ((uint64_t{1} << kClassShift) - 1), static_cast<SizeClass>(bits >> kClassShift)};
  }

  uint64_t* items_;  // a ring
  unsigned first_;
  unsigned count_;
  size_t bytes_;
};

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_QUARANTINE_H_
