// Where pages come from and go back to.
//
// Free memory of the arena is in two sets of ranges: `dirty` (used before, may still be resident)
// and `clean` (never used, or given back to the kernel: reads as zero and costs a fault to touch).
// A page is taken from the dirty ones first. What stayed dirty and unused for a whole decay period
// is given back to the kernel by Decay.

#ifndef MYMALLOC_HEAP_PAGE_SUPPLY_H_
#define MYMALLOC_HEAP_PAGE_SUPPLY_H_

#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "mymalloc/base/lock.h"
#include "mymalloc/heap/free_ranges.h"
#include "mymalloc/heap/guard_budget.h"
#include "mymalloc/heap/totals.h"

namespace mymalloc {

class PageSupply {
 public:
  struct Grant {
    uintptr_t begin = 0;  // 0: the system has no memory
    bool zeroed = false;
  };

  // `bytes`: a multiple of kOsPage, here and below.
  Grant Allocate(size_t bytes);
  void Free(uintptr_t begin, size_t bytes);

  // The same with a guard page behind, if that option is set: what runs off the end faults.
  Grant AllocateGuarded(size_t bytes);
  void FreeGuarded(uintptr_t begin, size_t bytes);
  // Bytes of the guard behind so much memory; 0 if it has none.
  static size_t GuardOf(size_t bytes);

  // A range that can be touched when the kernel allows it, at once or later.
  void FreeProtected(uintptr_t begin, size_t bytes);

  // Gives back what was dirty throughout the time since the last call. Returns whether dirty ranges
  // are left.
  bool Decay();
  // Gives back everything that is dirty. Returns whether there was anything.
  bool PurgeAll();
  // As LargeCache::Shed: memory is about to be mapped that nothing here would serve for.
  void Shed(size_t bytes) { Purge(bytes); }

  // Unmaps free ranges that lie outside the arena. Returns whether there were any.
  bool ReleaseChunks();

  size_t DirtyBytes();
  size_t DirtyRanges();
  size_t FreeBytes();

  const char* Verify();

  Lock& lock() ABSL_LOCK_RETURNED(lock_) { return lock_; }

 private:
  friend class Inspector;

  // Pages shorter than this share a guard with what follows: each guard costs the kernel a mapping.
  static constexpr size_t kLeastGuarded = 64 * kKiB;
  void LiftProtected();
  bool Purge(size_t bytes);
  bool ReleaseChunksOf(FreeRanges& ranges) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // After each change.
  void NoteDirty() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    if (dirty_.bytes() < least_dirty_) least_dirty_ = dirty_.bytes();
    g_totals.system.SetFreeRanges(dirty_.bytes());
  }

  GuardBudget guards_;  // of pages that are long enough for one
  Lock lock_;
  TreeNodes nodes_ ABSL_GUARDED_BY(lock_);
  FreeRanges dirty_ ABSL_GUARDED_BY(lock_){&nodes_};
  FreeRanges clean_ ABSL_GUARDED_BY(lock_){&nodes_};
  FreeRanges protected_ ABSL_GUARDED_BY(lock_){&nodes_};  // guards that could not be lifted yet
  // The least that was dirty since the last Decay: nobody needed that much.
  size_t least_dirty_ ABSL_GUARDED_BY(lock_) = 0;
};

extern PageSupply g_page_supply;

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_PAGE_SUPPLY_H_
