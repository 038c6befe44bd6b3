#include "mymalloc/heap/page_supply.h"

#include "absl/base/attributes.h"
#include "mymalloc/base/options.h"
#include "mymalloc/os/arena.h"
#include "mymalloc/os/memory.h"
#include "tree/verify.h"

namespace mymalloc {

ABSL_CONST_INIT PageSupply g_page_supply;

PageSupply::Grant PageSupply::Allocate(size_t bytes) {
  LockHolder holder(lock_);
  if (const uintptr_t begin = dirty_.Take(bytes)) {
    NoteDirty();
    return {begin, false};
  }
  if (const uintptr_t begin = clean_.Take(bytes)) return {begin, true};
  size_t granted = 0;
  const uintptr_t begin = os::g_arena.Grow(bytes, &granted);
  if (begin == 0) return {};
  if (granted > bytes) clean_.AddSurely({begin + bytes, begin + granted});
  return {begin, true};
}

void PageSupply::Free(uintptr_t begin, size_t bytes) {
  LockHolder holder(lock_);
  dirty_.AddSurely({begin, begin + bytes});
  NoteDirty();
}

bool PageSupply::Decay() {
  LiftProtected();
  size_t unneeded;
  {
    LockHolder holder(lock_);
    unneeded = least_dirty_;
  }
  Purge(unneeded);
  LockHolder holder(lock_);
  least_dirty_ = dirty_.bytes();
  return least_dirty_ != 0;
}

bool PageSupply::PurgeAll() {
  LiftProtected();
  return Purge(~size_t{0});
}

size_t PageSupply::GuardOf(size_t bytes) {
  return g_options.guard_pages && bytes >= kLeastGuarded ? kOsPage : 0;
}

// The guard's place is there in any case, so that what is freed is as long as what was allocated.
PageSupply::Grant PageSupply::AllocateGuarded(size_t bytes) {
  const size_t guard = GuardOf(bytes);
  const Grant grant = Allocate(bytes + guard);
  if (guard != 0 && grant.begin != 0 && guards_.Enter()) os::Protect(grant.begin + bytes, guard);
  return grant;
}

void PageSupply::FreeGuarded(uintptr_t begin, size_t bytes) {
  Free(begin, bytes);
  const size_t guard = GuardOf(bytes);
  if (guard == 0) return;
  guards_.Leave();
  FreeProtected(begin + bytes, guard);
}

void PageSupply::FreeProtected(uintptr_t begin, size_t bytes) {
  if (os::Commit(begin, bytes)) return Free(begin, bytes);
  LockHolder holder(lock_);
  protected_.AddIfPossible({begin, begin + bytes});
}

void PageSupply::LiftProtected() {
  LockHolder holder(lock_);
  while (const auto entry = protected_.tree().Successor(0)) {
    const Interval range = entry.range;
    if (!os::Commit(range.begin, range.length())) return;
    protected_.TakeAt(range.begin, range.length());
    dirty_.AddSurely(range);
    NoteDirty();
  }
}

// The range being purged is in neither set while the kernel works, so the lock is free meanwhile.
bool PageSupply::Purge(size_t bytes) {
  bool purged_any = false;
  while (bytes >= kOsPage) {
    Interval range;
    {
      LockHolder holder(lock_);
      if (!dirty_.TakeLongest(bytes, &range)) break;
      NoteDirty();
    }
    const bool purged = os::Purge(range.begin, range.length());
    LockHolder holder(lock_);
    // Locked memory stays as it is: then it is no less dirty, and there is no use in going on.
    (purged ? clean_ : dirty_).AddSurely(range);
    NoteDirty();
    if (!purged) break;
    purged_any = true;
    bytes -= range.length();
  }
  return purged_any;
}

bool PageSupply::ReleaseChunks() {
  LockHolder holder(lock_);
  const bool any = ReleaseChunksOf(dirty_);
  NoteDirty();
  return ReleaseChunksOf(clean_) || any;
}

bool PageSupply::ReleaseChunksOf(FreeRanges& ranges) {
  bool any = false;
  uintptr_t next = 0;
  while (const auto entry = ranges.tree().Successor(next)) {
    const Interval range = entry.range;
    next = range.end;
    if (os::g_arena.Reserves(range.begin) || os::g_arena.Reserves(range.end - 1)) continue;
    if (!os::Unmap(range.begin, range.length())) break;
    ranges.TakeAt(range.begin, range.length());
    os::g_arena.NoteReleased(range.length());
    any = true;
  }
  return any;
}

size_t PageSupply::DirtyBytes() {
  LockHolder holder(lock_);
  return dirty_.bytes();
}

size_t PageSupply::DirtyRanges() {
  LockHolder holder(lock_);
  return dirty_.count();
}

size_t PageSupply::FreeBytes() {
  LockHolder holder(lock_);
  return dirty_.bytes() + clean_.bytes() + protected_.bytes();
}

const char* PageSupply::Verify() {
  LockHolder holder(lock_);
  const char* const wrong = mymalloc::Verify(dirty_.tree()).what;
  return wrong != nullptr ? wrong : mymalloc::Verify(clean_.tree()).what;
}

}  // namespace mymalloc
