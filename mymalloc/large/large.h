// Large blocks: those that are too long for a run of slots (2 MiB), or aligned too far for one; and
// with the options that hold freed blocks back, all that are too long for a slot.
//
//   | ... | tag | block ...                    | slack | fence |
//   begin       block                                          end
//
// The fence is a word of the block's canary (page/canary.h), looked at when the block is freed;
// where ends are checked, so is the slack.
//
// Their memory is a range of the page supply, shared with the pages. Only huge ones have a mapping
// of their own, which the kernel can move.
//
// With the option guard_pages a guard lies before `begin` and another behind `end`. The page map
// has each block's range, and leads to its record.

#ifndef MYMALLOC_LARGE_LARGE_H_
#define MYMALLOC_LARGE_LARGE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "mymalloc/base/lock.h"
#include "mymalloc/base/options.h"
#include "mymalloc/large/freed_large.h"
#include "mymalloc/page/canary.h"
#include "mymalloc/page/tag.h"
#include "mymalloc/supply/free_ranges.h"
#include "mymalloc/supply/guard_budget.h"
#include "mymalloc/supply/step.h"
#include "mymalloc/supply/totals.h"

namespace mymalloc {

struct alignas(64) LargeBlock {
  static constexpr size_t kFenceBytes = 8;

  uintptr_t begin;  // without its guard pages
  uintptr_t end;
  uintptr_t block;
  size_t requested;  // by the last malloc or realloc
  uint32_t guard;    // bytes of each guard page: 0 if there is none
  bool mapped;       // a mapping of its own,
  bool movable;      // as it grows: one of a few
  Kind kind;
  // Changes under the lock. A record that is no block's has it false: fresh memory is zero, and no
  // live block's record goes back.
  std::atomic<bool> live;
  uintptr_t caller;  // from where it was freed

  size_t length() const { return end - block; }
  // What the program may use: all but the last word, or where ends are checked what it asked for.
  size_t usable() const { return g_options.check_ends ? requested : length() - kFenceBytes; }
  // What lies behind that; of what may be much a kernel page: who writes on past that comes to the
  // guard, or does not come by mistake.
  Canary canary() const {
    const size_t most = RoundDown(usable() + KernelPage(), kFenceBytes);
    return {block, usable(), Min(most, length())};
  }
  // A program may have the kernel take back what it has of a block that begins with a kernel page:
  // the last of them goes whole.
  bool CanaryIntact() const {
    return canary().Intact() || (block % KernelPage() == 0 && canary().Zero());
  }
  bool IsLive() const { return live.load(std::memory_order_relaxed); }
  Interval range() const { return {begin, end}; }
  Interval guard_before() const { return {begin - guard, begin}; }
  Interval guard_behind() const { return {end, end + guard}; }
  Interval with_guards() const { return {begin - guard, end + guard}; }
};

// Blocks from here on have a mapping of their own.
constexpr size_t kLeastHuge = 32 * kMiB;

// A block of at least n bytes; 0 when the system has no memory. `*zeroed` tells whether its memory
// is known to be zero. REQUIRES: n <= PTRDIFF_MAX, alignment a power of two.
uintptr_t AllocateLarge(size_t n, size_t alignment, bool* zeroed, Kind kind = Kind::kMalloc);

// The same with a mapping of its own, for one that grows, and is then moved by the kernel rather
// than copied. 0 also where there are many of those already, as each takes one of the mappings that
// a process may have.
uintptr_t AllocateMovable(size_t n);

// For who wants a mapping for each block, whatever its length: of the kernel pages that it needs,
// and not one more, also when it is resized.
uintptr_t AllocateMapped(size_t n);
uintptr_t ResizeMapped(LargeBlock* large, uintptr_t block, size_t n);

// Frees the block that the page map said has this record. False if it is live no more: another
// thread has freed it since. `caller`: from where it is freed, for reports.
bool FreeLarge(LargeBlock* large, uintptr_t block, uintptr_t caller = 0);

// Makes the block, which the page map said has this record, at least n bytes long, or shorter.
// Returns where it is now (the record is the same), or 0 if it can neither stay nor be moved by the
// kernel: the caller copies.
uintptr_t ResizeLarge(LargeBlock* large, uintptr_t block, size_t n);

class LargeBlocks {
 public:
  // What becomes of a live block happens in one step: in its record, its tag, the page map and the
  // totals. All but the first are false if the record is no longer that of a live `block`: whatever
  // several threads do to one at once, it is freed once, and changed only before.
  //
  // False when there is no memory for the map.
  bool Publish(LargeBlock* large);
  // Its range as it is now.
  bool Bounds(const LargeBlock* large, uintptr_t block, Interval* range);
  // Moves its end, for n bytes, if its range is what it was: else two threads resize it at once.
  // REQUIRES: nothing else lies there.
  bool Resize(LargeBlock* large, Interval range, uintptr_t new_end, size_t n);
  // Moves the mapping to where there is room for `bytes`, if there is any.
  bool Move(LargeBlock* large, Interval range, size_t bytes, size_t n);
  // Whether what lies behind the block is as it was written, or it is live no more.
  bool CanaryIntact(const LargeBlock* large, uintptr_t block);
  // It is live no more, and in the page map no more.
  bool Unpublish(LargeBlock* large, uintptr_t block);
  // So many more live blocks, and bytes of them; fewer, as a negative number wraps around. Sampled
  // blocks, which lie elsewhere, count as large.
  void CountLive(size_t blocks, size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  // Of what is held back: a tick is over; gives back what was not needed lately, or all, until the
  // step is over. Returns whether it is done.
  void Tick();
  bool GiveBackHeld(bool all, Step* step);

  // What was freed, is held back and may be resident, and in how many pieces.
  size_t Bytes();
  size_t Pieces();
  Lock& lock() ABSL_LOCK_RETURNED(lock_) { return lock_; }

  // Records of large blocks.
  LargeBlock* NewRecord();
  void DeleteRecord(LargeBlock* large);
  // The same for a block that the program has freed: it is remembered. `held`: its range with
  // guards, which is held back, resident or not; or nothing.
  void NoteFreed(LargeBlock* large, Interval held, bool resident);
  // A range that was held back, of at least so many bytes; nothing held if there is none.
  FreedLarge::Record TakeHeld(size_t bytes);
  // Gives up one that was held back, guards and all.
  void DropHeld(const FreedLarge::Record& record);
  bool FindFreed(uintptr_t address, FreedLarge::Record* record);
  // A block was moved away from there.
  void NoteMoved(uintptr_t block, size_t usable, uintptr_t caller);
  // The same without the lock, for a glance.
  bool PeekFreed(uintptr_t address, FreedLarge::Record* record) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return freed_.Peek(address, record);
  }
  // Reports that a block that is held back was written to.
  static void ReportWrite(const FreedLarge::Record& record, uintptr_t byte);

  // Of all large blocks, and what is held back.
  GuardBudget& guards() { return guards_; }

  // One more movable block. False if there are enough.
  bool EnterMovable() { return movable_.fetch_add(1, std::memory_order_relaxed) < kMostMovable; }
  void LeaveMovable() { movable_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  friend class Inspector;
  friend struct Layout;

  void SetLive(LargeBlock* large) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  static void CheckWrites(const FreedLarge::Record& record);
  void NoteRecord(const FreedLarge::Record& record);
  // After each change of what is held back.
  void NoteHeld() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    g_totals.system.SetFreedLarge(freed_.resident_bytes());
  }

  Lock lock_ MYMALLOC_LOCK(kLargeBlocks);
  os::Pool<sizeof(LargeBlock)> records_ ABSL_GUARDED_BY(lock_);
  FreedLarge freed_ ABSL_GUARDED_BY(lock_);
  static constexpr int kMostMovable = 32;
  GuardBudget guards_;
  std::atomic<int> movable_{0};
};

extern LargeBlocks g_large_blocks;

// Gives back memory of a large block that can be touched; and what cannot be, such as guards.
void FreeLargeRange(Interval range, bool mapped, size_t touched);
void FreeProtectedRange(Interval range, bool mapped);

}  // namespace mymalloc

#endif  // MYMALLOC_LARGE_LARGE_H_
