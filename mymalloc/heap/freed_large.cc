#include "mymalloc/heap/freed_large.h"

namespace mymalloc {

void FreedLarge::Note(const Record& record) {
  records_[next_] = record;
  next_ = (next_ + 1) % kRecords;
  held_bytes_ += record.held.length();
}

Interval FreedLarge::MakeRoom(size_t bytes) {
  const bool full = held_bytes_ + bytes > kMostHeldBytes;
  for (unsigned i = 0; i < kRecords; ++i) {
    Interval& held = records_[(next_ + i) % kRecords].held;
    if (!held.empty()) {
      const Interval range = held;
      held = {};
      held_bytes_ -= range.length();
      return range;
    }
    if (!full) break;  // only the record that Note will overwrite
  }
  return {};
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
