// Large blocks: each has a mapping of its own.
//
//   | ... | tag | block ...                    | slack |
//   begin       block                                  end
//
// With the option guard_pages an unmapped page lies before `begin` and another behind `end`.
//
// A record of each is in the page map. Those freed last are kept as they are (kept_large.h). The
// mappings of the others go to a bounded cache, where neighbours join, and from which later blocks
// take what they need: the memory is warm, and faulting it in again would cost more than anything
// else here. What the cache does not need for a while goes back to the kernel.

#ifndef MYMALLOC_HEAP_LARGE_H_
#define MYMALLOC_HEAP_LARGE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "mymalloc/base/lock.h"
#include "mymalloc/heap/free_ranges.h"
#include "mymalloc/heap/freed_large.h"
#include "mymalloc/heap/guard_budget.h"
#include "mymalloc/heap/kept_large.h"
#include "mymalloc/heap/totals.h"
#include "mymalloc/page/tag.h"

namespace mymalloc {

struct alignas(64) LargeBlock {
  uintptr_t begin;  // of the mapping, without its guard pages
  uintptr_t end;
  uintptr_t block;
  size_t requested;  // by the last malloc or realloc
  uint32_t guard;    // bytes of each guard page: 0 if there is none
  bool from_supply;  // no mapping of its own: see AllocateLargeFromSupply
  // Changes under the cache's lock. A record that is no block's has it false: fresh memory is zero,
  // and no live block's record goes back.
  std::atomic<bool> live;

  size_t usable() const { return end - block; }
  bool IsLive() const { return live.load(std::memory_order_relaxed); }
  Interval mapping() const { return {begin, end}; }
};

// Requests above this, or aligned above an OS page, are large. Where address space is scarce only
// small strides are worth 256 slots of it.
extern size_t g_largest_slot_request;
void InitLarge(bool constrained);

// A block of at least n bytes; 0 when the system has no memory. `*zeroed` tells whether its memory
// is known to be zero. REQUIRES: n <= PTRDIFF_MAX, alignment a power of two.
uintptr_t AllocateLarge(size_t n, size_t alignment, bool* zeroed);

// The same from the page supply: where the system grants no mapping there may still be room.
uintptr_t AllocateLargeFromSupply(size_t n, size_t alignment, bool* zeroed);

// Frees the block that the page map said has this record. False if it is live no more: another
// thread has freed it since.
bool FreeLarge(LargeBlock* large, uintptr_t block);

// A block that is live no more leaves the page map, and its memory goes back.
void ReleaseLarge(LargeBlock* large);

// Makes the block, which the page map said has this record, at least n bytes long, or shorter.
// Returns where it is now (the record is the same), or 0 if it can neither stay nor be moved by the
// kernel: the caller copies.
uintptr_t ResizeLarge(LargeBlock* large, uintptr_t block, size_t n);

class LargeCache {
 public:
  // What becomes of a live block happens in one step: in its record, its tag, the page map and the
  // totals. All but the first are false if the record is no longer that of a live `block`: whatever
  // several threads do to one at once, it is freed once, and changed only before.
  //
  // False when there is no memory for the map.
  bool Publish(LargeBlock* large);
  // Its mapping as it is now.
  bool Bounds(const LargeBlock* large, uintptr_t block, Interval* mapping);
  // Moves its end, for n bytes, if its mapping is what it was: else two threads resize it at once.
  // REQUIRES: nothing else lies there.
  bool Resize(LargeBlock* large, Interval mapping, uintptr_t new_end, size_t n);
  // Moves the mapping to where there is room for `bytes`, if there is any.
  bool Move(LargeBlock* large, Interval mapping, size_t bytes, size_t n);
  // `*gone`: what is now to be released, this block or one that was kept; or nullptr.
  bool Retire(LargeBlock* large, uintptr_t block, LargeBlock** gone);
  // A kept block for n bytes, live again; or nullptr.
  LargeBlock* Revive(size_t n, size_t alignment);
  // So many more live blocks, or as a negative number wraps around fewer, and bytes of them: the
  // sampled ones, which are elsewhere, count as large.
  void CountLive(size_t blocks, size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  // `bytes`: a multiple of kOsPage, here and below. 0 when the system has no memory.
  uintptr_t TakeOrMap(size_t bytes, bool* zeroed);
  bool TakeAt(uintptr_t begin, size_t bytes);
  void Put(Interval range);

  // As the page supply's: what was not needed since the last call; all.
  bool Decay();
  bool PurgeAll();
  // The kernel has given fresh memory that nothing here would serve for: as much of what is here,
  // but for the few kept blocks, goes back for it, so that the peak does not count both.
  void Shed(size_t bytes) { Purge(bytes); }

  // What was freed and may be resident, held back or not, and in how many pieces.
  size_t Bytes();
  size_t Pieces();
  const char* Verify();
  Lock& lock() ABSL_LOCK_RETURNED(lock_) { return lock_; }

  // Records of large blocks.
  LargeBlock* NewRecord();
  void DeleteRecord(LargeBlock* large);
  // The same for a block that the program has freed: it is remembered. `held`: its mapping, which
  // is held back, resident or not; or nothing.
  void NoteFreed(LargeBlock* large, Interval held, bool resident);
  // A mapping that was held back, of at least so many bytes; nothing held if there is none.
  FreedLarge::Record TakeHeld(size_t bytes);
  // Gives up one that was held back, guards and all.
  void DropHeld(Interval held);
  // Unmaps memory, or what faults. False if the kernel would not have it now: later, then.
  bool Drop(Interval range);
  bool FindFreed(uintptr_t address, FreedLarge::Record* record);

  // Of all large blocks, and what is held back.
  GuardBudget& guards() { return guards_; }

 private:
  friend class Inspector;

  size_t CachedBytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    return ranges_.bytes() + kept_.bytes();
  }
  void SetLive(LargeBlock* large) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  bool ReleaseKept();
  bool Purge(size_t bytes);
  bool DecayHeld(bool all);
  void DropRest();
  static void CheckWrites(const FreedLarge::Record& record);
  void KeepUnmappable(Interval range);
  // After each change of what is free.
  void NoteCached() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    if (ranges_.bytes() < least_) least_ = ranges_.bytes();
    g_totals.system.SetFreedLarge(FreedBytes());
  }
  size_t FreedBytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    return CachedBytes() + freed_.resident_bytes();
  }
  bool WorthGivingBack() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  Lock lock_;
  TreeNodes nodes_ ABSL_GUARDED_BY(lock_);
  KeptLarge kept_ ABSL_GUARDED_BY(lock_);
  FreeRanges ranges_ ABSL_GUARDED_BY(lock_){&nodes_};
  size_t least_ ABSL_GUARDED_BY(lock_) = 0;  // cached at any time since the last Decay
  os::Pool<sizeof(LargeBlock)> records_ ABSL_GUARDED_BY(lock_);
  FreedLarge freed_ ABSL_GUARDED_BY(lock_);
  FreeRanges to_drop_ ABSL_GUARDED_BY(lock_){&nodes_};  // neither unmapped nor readable yet
  GuardBudget guards_;
};

extern LargeCache g_large_cache;

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_LARGE_H_
