// The large blocks freed last. They are remembered, so that a second free of one can be told from a
// pointer that never was; and with a quarantine their mappings are held back, sealed, so that every
// use of one faults and can be explained.
//
// Not thread safe: under the lock of the cache of large blocks.

#ifndef MYMALLOC_HEAP_FREED_LARGE_H_
#define MYMALLOC_HEAP_FREED_LARGE_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/units.h"
#include "tree/interval.h"

namespace mymalloc {

class FreedLarge {
 public:
  struct Record {
    uintptr_t block = 0;
    size_t usable = 0;
    Interval held{};  // empty if the mapping is not held back
  };

  // Remembers a block. REQUIRES: MakeRoom(record.held.length()) returned nothing.
  void Note(const Record& record);

  // The range that has to be given up for `bytes` more, which is then no longer held; empty when
  // there is room.
  Interval MakeRoom(size_t bytes);

  // What is known of an address: a block that began there, or whose held mapping it lies in; the
  // last one if there are several. False if there is none.
  bool Find(uintptr_t address, Record* record) const;

 private:
  static constexpr unsigned kRecords = 64;
  static constexpr size_t kMostHeldBytes = kGiB;  // of address space: sealed ranges have no memory

  Record records_[kRecords];  // a ring
  unsigned next_ = 0;         // the oldest
  size_t held_bytes_ = 0;
};

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_FREED_LARGE_H_
