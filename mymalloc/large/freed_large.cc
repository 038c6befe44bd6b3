#include "mymalloc/large/freed_large.h"

#include <atomic>

#include "absl/base/attributes.h"

namespace mymalloc {

FaultBlock FreedLarge::Record::Describe() const {
  FaultBlock described = {block, asked, FaultBlock::kFree};
  described.freed_from = caller;
  described.maker = NotedMaker(kind);
  return described;
}

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

namespace {

// Twice, as it may be half of one and half of another. False if it was.
ABSL_ATTRIBUTE_NO_SANITIZE_THREAD bool CopyUnlocked(const FreedLarge::Record& from,
                                                    FreedLarge::Record* to) {
  static_assert(sizeof(from) % sizeof(uint64_t) == 0, "words");
  constexpr size_t kWords = sizeof(from) / sizeof(uint64_t);
  const auto* const words = reinterpret_cast<const volatile uint64_t*>(&from);
  uint64_t copy[kWords];
  bool same = true;
  for (size_t i = 0; i < kWords; ++i) copy[i] = words[i];
  std::atomic_thread_fence(std::memory_order_acquire);
  for (size_t i = 0; i < kWords; ++i) same = same && copy[i] == words[i];
  __builtin_memcpy(static_cast<void*>(to), copy, sizeof(copy));
  return same;
}

}  // namespace

bool FreedLarge::Peek(uintptr_t address, Record* record) const {
  for (const Record& r : records_) {
    Record copy;
    if (!CopyUnlocked(r, &copy) || copy.block == 0) continue;
    if (copy.block != address && !copy.held.Contains(address)) continue;
    *record = copy;
    if (copy.held.Contains(address)) return true;
  }
  return record->block == address && address != 0;
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
