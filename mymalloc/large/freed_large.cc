#include "mymalloc/large/freed_large.h"

namespace mymalloc {

void FreedLarge::Note(const Record& record) {
  records_[next_] = record;
  next_ = (next_ + 1) % kRecords;
  held_bytes_ += record.held.length();
  resident_bytes_ += record.ResidentBytes();
  resident_count_ += record.ResidentBytes() != 0;
}

FreedLarge::Record FreedLarge::Release(Record& record) {
  const Record released = record;
  NotResident(record);
  record.held = {};
  held_bytes_ -= released.held.length();
  return released;
}

FreedLarge::Record FreedLarge::MakeRoom(size_t bytes) {
  const bool full = held_bytes_ + bytes > kMostHeldBytes;
  // The oldest record is the one that Note overwrites.
  for (unsigned i = 0; i < (full ? kRecords : 1); ++i) {
    if (!ByAge(i).held.empty()) return Release(ByAge(i));
  }
  return {};
}

FreedLarge::Record FreedLarge::Take(size_t bytes) {
  for (unsigned i = 0; i < kRecords - kLeastDelay; ++i) {
    Record& record = ByAge(i);
    const size_t length = record.held.length();
    if (length >= bytes && length <= bytes + bytes / 4) return Release(record);
  }
  return {};
}

void FreedLarge::Tick() {
  for (Record& record : records_) record.resident -= record.resident > 1 ? 1 : 0;
}

bool FreedLarge::TakeDue(bool all, Interval* range) {
  for (Record& record : records_) {
    const bool due = record.resident == 1 || (all && record.resident != 0);
    if (record.held.empty() || !due) continue;
    NotResident(record);
    record.resident = 0;
    *range = record.held;
    return true;
  }
  return false;
}

bool FreedLarge::Find(uintptr_t address, Record* record) const {
  for (unsigned i = 1; i <= kRecords; ++i) {
    const Record& r = records_[(next_ + kRecords - i) % kRecords];
    if (r.block == 0 || (r.block != address && !r.held.Contains(address))) continue;
    *record = r;
    return true;
  }
  return false;
}

}  // namespace mymalloc
