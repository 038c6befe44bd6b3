// The large blocks freed last. They are remembered, so that a second free of one can be told from a
// pointer that never was.
//
// With a quarantine or guard pages their ranges are held back as well, guards and all, and are
// used again no sooner than after kLeastDelay others. The longer ones are sealed meanwhile, so that
// every use faults and can be explained; with a quarantine the others are filled, and looked at for
// writes when they are used again.
//
// Not thread safe: under the lock of the large blocks.

#ifndef MYMALLOC_LARGE_FREED_LARGE_H_
#define MYMALLOC_LARGE_FREED_LARGE_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/kind.h"
#include "mymalloc/base/units.h"
#include "mymalloc/fault/fault.h"
#include "mymalloc/heap/quarantine.h"
#include "tree/interval.h"

namespace mymalloc {

class FreedLarge {
 public:
  struct Record {
    uintptr_t block = 0;
    size_t usable = 0;
    Interval held{};        // empty if the range is not held back, or no longer
    unsigned resident = 0;  // ticks until its memory goes back, and one more; 0: it has gone
    bool mapped = false;    // a mapping of its own
    size_t asked = 0;       // what the program could use
    uintptr_t caller = 0;   // from where it was freed; 0: it is not known
    Kind kind = Kind::kMalloc;

    FaultBlock Describe() const;
    bool HasGuards() const { return held.end != block + usable; }
    // Of its range, without guards.
    size_t ResidentBytes() const {
      if (held.empty() || resident == 0) return 0;
      return block + usable - RoundDown(block - 1, KernelPage());
    }
  };

  // Ranges up to this stay as they are; longer ones are sealed.
  static constexpr size_t kMostResident = kMiB + 4 * KernelPage();
  static constexpr unsigned kRecords = 64;
  // One whole tick at least.
  static constexpr unsigned kTicksResident = 3;

  static constexpr size_t kMostHeldBytes = 64 * kMiB;

  static void Fill(uintptr_t block, size_t usable) { Quarantine::Fill(block, usable); }
  // The first byte of a block that was filled and has been written to since; 0 if there is none.
  static uintptr_t FindWrite(const Record& record) {
    if (record.resident == 0 || Quarantine::IsFilled(record.block, record.usable)) return 0;
    return Quarantine::FindForeignByte(record.block, record.usable);
  }

  // Remembers a block. REQUIRES: MakeRoom(record.held.length()) returned nothing.
  void Note(const Record& record);

  // What has to be given up for `bytes` more, and is then no longer held; nothing held when there
  // is room.
  Record MakeRoom(size_t bytes);

  // A range that is held, at least so long and not much longer, which is then the caller's; nothing
  // held if there is none, or it was freed too lately.
  Record Take(size_t bytes);

  void Tick();
  // A range that was held through all those ticks but the last, or with `all` any that is resident:
  // the caller gives its memory back, and it is no longer counted. False if there is none.
  bool TakeDue(bool all, Interval* range);

  // A copy of each that is held.
  template <typename Visit>
  void ForEachHeld(Visit&& visit) const {
    for (const Record& record : records_) {
      if (!record.held.empty()) visit(record);
    }
  }

  size_t held_bytes() const { return held_bytes_; }
  // Of those that have no mapping of their own.
  size_t HeldBytesOfSupply() const {
    size_t bytes = 0;
    for (const Record& record : records_) bytes += record.mapped ? 0 : record.held.length();
    return bytes;
  }
  // What may be resident of them, and how many these are.
  size_t resident_bytes() const { return resident_bytes_; }
  size_t resident_count() const { return resident_count_; }

  // What is known of an address: a block that began there, or whose held range it lies in; the
  // last one if there are several. False if there is none.
  bool Find(uintptr_t address, Record* record) const;
  // The same without the lock: nothing, or what was true a moment ago. What changes meanwhile is
  // passed over.
  bool Peek(uintptr_t address, Record* record) const;

 private:
  static constexpr unsigned kLeastDelay = 8;

  // By age: 0 is the oldest.
  Record& ByAge(unsigned i) { return records_[(next_ + i) % kRecords]; }
  Record Release(Record& record);
  void NotResident(const Record& record) {
    if (record.ResidentBytes() == 0) return;
    resident_bytes_ -= record.ResidentBytes();
    --resident_count_;
  }

  Record records_[kRecords];  // a ring
  unsigned next_ = 0;         // the oldest
  size_t held_bytes_ = 0;
  size_t resident_bytes_ = 0;
  size_t resident_count_ = 0;
};

}  // namespace mymalloc

#endif  // MYMALLOC_LARGE_FREED_LARGE_H_
