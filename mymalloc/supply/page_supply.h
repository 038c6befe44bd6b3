// Where pages and large blocks come from and go back to: they are cut from the same chunks
// (os/chunks.h), and what one has freed the other uses.
//
// Free memory is a set of ranges, `all`, of which some are `dirty` (used before, may still be
// resident) and the others clean (never used, or given back to the kernel: they read as zero and
// cost a fault to touch). What is asked for is taken from the dirty ones if one of them has it,
// else from any. Memory goes back by madvise: no range is unmapped but whole granules of chunks,
// when the system has no memory.

#ifndef MYMALLOC_SUPPLY_PAGE_SUPPLY_H_
#define MYMALLOC_SUPPLY_PAGE_SUPPLY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "mymalloc/base/lock.h"
#include "mymalloc/supply/budget.h"
#include "mymalloc/supply/free_ranges.h"
#include "mymalloc/supply/guard_budget.h"
#include "mymalloc/supply/protected_ranges.h"
#include "mymalloc/supply/step.h"
#include "mymalloc/supply/totals.h"
#include "mymalloc/supply/watermark.h"

namespace mymalloc {

// Its padding keeps what all threads read apart from what changes.
class PageSupply {  // NOLINT(clang-analyzer-optin.performance.Padding)
 public:
  struct Grant {
    uintptr_t begin = 0;  // 0: the system has no memory
    size_t touched = 0;   // what of it may be resident, at its front: the rest is zero

    bool zeroed() const { return touched == 0; }
  };

  // `bytes`: a multiple of kPageUnit, here and below.
  Grant Allocate(size_t bytes);
  // The same at a multiple of `alignment`.
  Grant AllocateAligned(size_t bytes, size_t alignment);
  // What is free right there; false if not all of it is.
  bool AllocateAt(uintptr_t begin, size_t bytes);
  // `touched`: what may be resident of it, at its front.
  void Free(uintptr_t begin, size_t bytes, size_t touched);
  void Free(uintptr_t begin, size_t bytes) { Free(begin, bytes, bytes); }

  // The same for pages, with a guard page behind each, if that option is set: what runs off the end
  // faults. Up to `count` at once, as long as that needs no more address space. Returns how many.
  unsigned AllocatePages(size_t bytes, unsigned count, Grant* grants);
  void FreePages(const Interval* pages, const size_t* touched, unsigned count);
  // Bytes of the guard behind so much memory; 0 if it has none.
  static size_t GuardOf(size_t bytes);

  // A range that can be touched when the kernel allows it, at once or later.
  void FreeProtected(uintptr_t begin, size_t bytes);

  // How much was dirty throughout the time since the last call: nobody needed that.
  size_t BeginDecay();
  // Gives back so many dirty bytes, the longest ranges first, and none shorter than `least`, until
  // the step is over. Returns how many they were.
  size_t Purge(size_t bytes, size_t least, Step* step);
  size_t Purge(size_t bytes) {
    Step unlimited(Step::kUnlimited);
    return Purge(bytes, KernelPage(), &unlimited);
  }
  // Gives back everything that is dirty. Returns whether there was anything.
  bool PurgeAll();

  // Decides whether the kernel may use huge pages. Called when the heap grows, and now and then.
  void WatchDensity();
  // What was resident before huge pages were allowed is not backed by any yet: copies it into such
  // until the step is over.
  void MakeHuge(Step* step);
  bool HasToMakeHuge() const { return made_huge_to_.load(std::memory_order_relaxed) != kNone; }
  // Whether what is resident may be copied into huge pages: at the start it may not.
  void MayMakeHuge(bool allowed) {
    may_make_huge_.store(allowed, std::memory_order_relaxed);
    if (!allowed) made_huge_to_.store(kNone, std::memory_order_relaxed);
  }
  // After a fork, in parent and child: much of what there is they share, and would each copy.
  void Forked();

  // Unmaps what of the chunks is free. Returns whether there was anything.
  bool ReleaseChunks();

  // Whether so much lies in one piece that was used, and not given back since: a glance, without
  // the lock.
  bool HasDirty(size_t bytes) const {
    return longest_dirty_.load(std::memory_order_relaxed) >= bytes;
  }
  size_t DirtyBytes();
  size_t DirtyRanges();
  size_t FreeBytes();

  const char* Verify();

  Lock& lock() ABSL_LOCK_RETURNED(lock_) { return lock_; }

 private:
  friend class Inspector;
  friend struct Layout;

  // Pages shorter than this share a guard with what follows: each guard costs the kernel a mapping.
  static constexpr size_t kLeastGuarded = 64 * kKiB;
  void LiftProtected();
  uintptr_t TakeNextToMakeHuge(Step* step);
  size_t FreeIn(Interval range) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void CallAllDirty();
  void LeaveOutOfCores(uintptr_t at) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void AddDirty(Interval range) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  unsigned AllocateSome(size_t bytes, unsigned count, Grant* grants);
  enum class Side : bool { kFront, kEnd };
  // `counted`: what of it goes against the hard limit at once; a page does as it is filled.
  Grant AllocateLocked(size_t bytes, size_t counted, Side side)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  Grant Take(Interval range) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void TakeFromAll(Interval range) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void TakeFromDirty(Interval range) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void Add(Interval range, size_t dirty_bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // After each change.
  void NoteDirty() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    least_dirty_.Note(dirty_.bytes());
    longest_dirty_.store(dirty_.tree().Longest(), std::memory_order_relaxed);
    g_totals.system.SetFreeRanges(dirty_.bytes());
    g_budget.SetSupply(dirty_.bytes());
  }

  GuardBudget guards_;  // of pages that are long enough for one
  Lock lock_ MYMALLOC_LOCK(kPageSupply);
  TreeNodes nodes_ ABSL_GUARDED_BY(lock_);
  FreeRanges all_ ABSL_GUARDED_BY(lock_){&nodes_};
  FreeRanges dirty_ ABSL_GUARDED_BY(lock_){&nodes_};
  ProtectedRanges protected_ ABSL_GUARDED_BY(lock_){&nodes_};
  LowWater least_dirty_ ABSL_GUARDED_BY(lock_);  // since the last BeginDecay
  std::atomic<size_t> longest_dirty_{0};         // as of the last change
  // Whether what is resident may be copied into huge pages; how many in turn the kernel refused.
  std::atomic<bool> may_make_huge_{false};
  unsigned refused_ = 0;
  static constexpr uintptr_t kNone = ~uintptr_t{0};
  // Below this it was done. kNone: nothing is to be done. All threads read it: alone on its line.
  alignas(64) std::atomic<uintptr_t> made_huge_to_{kNone};
};

extern PageSupply g_page_supply;

}  // namespace mymalloc

#endif  // MYMALLOC_SUPPLY_PAGE_SUPPLY_H_
