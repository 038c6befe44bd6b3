// The part of LargeCache that is about memory: what is free, kept, held back, and goes back.

#include "absl/base/attributes.h"
#include "mymalloc/base/options.h"
#include "mymalloc/heap/diagnose.h"
#include "mymalloc/heap/janitor.h"
#include "mymalloc/heap/large.h"
#include "mymalloc/heap/page_supply.h"
#include "mymalloc/os/arena.h"
#include "mymalloc/os/memory.h"
#include "tree/verify.h"

namespace mymalloc {
namespace {

// What the cache may hold. Where address space is scarce it is not to be hoarded.
constexpr size_t kMostCached = 256 * kMiB;
constexpr size_t kMostCachedConstrained = 16 * kMiB;

size_t MostCachedBytes() {
  return os::g_arena.constrained() ? kMostCachedConstrained : kMostCached;
}

}  // namespace

// Blocks are freed before any constructor has run.
ABSL_CONST_INIT LargeCache g_large_cache;

uintptr_t LargeCache::TakeOrMap(size_t bytes, bool* zeroed) {
  *zeroed = false;
  Interval nearest{};
  do {
    LockHolder holder(lock_);
    const uintptr_t begin = ranges_.Take(bytes);
    NoteCached();
    if (begin != 0) return begin;
  } while (ReleaseKept());
  {
    LockHolder holder(lock_);
    ranges_.TakeLongest(~size_t{0}, &nearest);
    NoteCached();
  }
  // Too small, but warm: the kernel makes it longer.
  if (!nearest.empty()) {
    const uintptr_t begin = os::Remap(nearest.begin, nearest.length(), bytes, /*may_move=*/true);
    if (begin != 0) return begin;
    Put(nearest);
  }
  g_page_supply.Shed(bytes);
  *zeroed = true;
  return os::Map(bytes);
}

bool LargeCache::WorthGivingBack() const { return FreedBytes() >= Janitor::kWakeBytes; }

bool LargeCache::TakeAt(uintptr_t begin, size_t bytes) {
  do {
    LockHolder holder(lock_);
    const bool taken = ranges_.TakeAt(begin, bytes);
    NoteCached();
    if (taken) return true;
  } while (ReleaseKept());
  return false;
}

void LargeCache::Put(Interval range) {
  bool wake = false;
  {
    LockHolder holder(lock_);
    const bool keep = CachedBytes() + range.length() <= MostCachedBytes();
    if (keep && ranges_.Add(range)) range = {};
    NoteCached();
    wake = WorthGivingBack();
  }
  if (!range.empty() && !os::Unmap(range.begin, range.length())) KeepUnmappable(range);
  if (wake) g_janitor.Wake();
}

// The kernel has no room for one more mapping, and unmapping would split one. The memory goes back,
// and the range stays in the cache until it can be used or unmapped.
void LargeCache::KeepUnmappable(Interval range) {
  os::Purge(range.begin, range.length());
  LockHolder holder(lock_);
  ranges_.AddSurely(range);
  NoteCached();
}

// All of them. False if there was none.
bool LargeCache::ReleaseKept() {
  for (bool any = false;; any = true) {
    LargeBlock* oldest;
    {
      LockHolder holder(lock_);
      oldest = kept_.TakeOldest();
      NoteCached();
    }
    if (oldest == nullptr) return any;
    ReleaseLarge(oldest);
  }
}

bool LargeCache::Decay() {
  DropRest();
  ReleaseKept();
  size_t unneeded;
  {
    LockHolder holder(lock_);
    unneeded = least_;
  }
  Purge(unneeded);
  const bool held = DecayHeld(/*all=*/false);
  LockHolder holder(lock_);
  least_ = ranges_.bytes();
  return held || least_ != 0;
}

bool LargeCache::PurgeAll() {
  DropRest();
  DecayHeld(/*all=*/true);
  ReleaseKept();
  return Purge(~size_t{0});
}

bool LargeCache::Purge(size_t bytes) {
  bool purged_any = false;
  while (bytes >= kOsPage) {
    Interval range;
    {
      LockHolder holder(lock_);
      if (!ranges_.TakeLongest(bytes, &range)) break;
      NoteCached();
    }
    bytes -= range.length();
    if (!os::Unmap(range.begin, range.length())) {
      KeepUnmappable(range);
      break;
    }
    purged_any = true;
  }
  return purged_any;
}

size_t LargeCache::Bytes() {
  LockHolder holder(lock_);
  return FreedBytes();
}

size_t LargeCache::Pieces() {
  LockHolder holder(lock_);
  return ranges_.count() + kept_.count() + freed_.resident_count();
}

const char* LargeCache::Verify() {
  LockHolder holder(lock_);
  return mymalloc::Verify(ranges_.tree()).what;
}

LargeBlock* LargeCache::NewRecord() {
  LockHolder holder(lock_);
  return static_cast<LargeBlock*>(records_.Allocate());
}

void LargeCache::DeleteRecord(LargeBlock* large) {
  LockHolder holder(lock_);
  records_.Free(large);
}

void LargeCache::NoteFreed(LargeBlock* large, Interval held, bool resident) {
  for (;;) {
    FreedLarge::Record oldest;
    bool wake = false;
    {
      LockHolder holder(lock_);
      oldest = freed_.MakeRoom(held.length());
      if (oldest.held.empty()) {
        freed_.Note(
            {large->block, large->usable(), held, resident ? FreedLarge::kTicksResident : 0});
        records_.Free(large);
        wake = WorthGivingBack();
      }
      NoteCached();
    }
    if (wake) g_janitor.Wake();
    if (oldest.held.empty()) return;
    CheckWrites(oldest);
    DropHeld(oldest.held);
  }
}

FreedLarge::Record LargeCache::TakeHeld(size_t bytes) {
  FreedLarge::Record record;
  {
    LockHolder holder(lock_);
    record = freed_.Take(bytes);
    NoteCached();
  }
  CheckWrites(record);
  return record;
}

void LargeCache::CheckWrites(const FreedLarge::Record& record) {
  if (record.held.empty() || g_options.quarantine.value == 0) return;
  const uintptr_t byte = FreedLarge::FindWrite(record);
  if (byte != 0) ReportWriteAfterFree(byte, record.block, record.usable);
}

// A short range without guards is as usable as any, and to unmap it could split a mapping in two.
void LargeCache::DropHeld(Interval held) {
  if (g_options.guard_pages) {
    guards_.Leave();
  } else if (held.length() <= FreedLarge::kMostResident) {
    return Put(held);
  }
  Drop(held);
}

bool LargeCache::Drop(Interval range) {
  if (os::Unmap(range.begin, range.length())) return true;
  if (os::Commit(range.begin, range.length())) {
    KeepUnmappable(range);
    return true;
  }
  LockHolder holder(lock_);
  to_drop_.AddIfPossible(range);
  return false;
}

void LargeCache::DropRest() {
  for (;;) {
    Interval range;
    {
      LockHolder holder(lock_);
      if (!to_drop_.TakeLongest(~size_t{0}, &range)) return;
    }
    if (!Drop(range)) return;
  }
}

// Under the lock: what is being given back must not be used again meanwhile.
bool LargeCache::DecayHeld(bool all) {
  LockHolder holder(lock_);
  const bool more =
      freed_.Decay(all, [](Interval range) { os::Purge(range.begin, range.length()); });
  NoteCached();
  return more;
}

bool LargeCache::FindFreed(uintptr_t address,
                           FreedLarge::Record* record) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const ReportLockHolder holder(lock_);
  return holder.held() && freed_.Find(address, record);
}

}  // namespace mymalloc
