// Sampled blocks: one in so many (option `sample`) lies alone on a kernel page between two that
// cannot be touched, at its page's end or at its start. A write or read past that bound, or after
// the free, faults at the instruction that does it, and where the block was allocated and freed is
// known. Few enough, and cheap enough where none is due, to be left on.
//
//   |guard| slot 0 |guard| slot 1 |guard| ... |guard|
//
// The slot that was freed longest ago is used next.

#ifndef MYMALLOC_MISUSE_SAMPLED_BLOCKS_H_
#define MYMALLOC_MISUSE_SAMPLED_BLOCKS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "mymalloc/base/kind.h"
#include "mymalloc/base/lock.h"
#include "mymalloc/base/units.h"
#include "mymalloc/fault/fault.h"

namespace mymalloc {

struct SampledSlot {
  enum State : uint8_t { kUnused, kLive, kFree };

  State state;
  uintptr_t block;
  size_t size;
  Kind kind;
  FaultEvent allocated;
  FaultEvent freed;

  bool IsLiveBlock(uintptr_t address) const { return state == kLive && block == address; }
  FaultBlock Describe() const {
    FaultBlock described = {block, size, state == kLive ? "live" : FaultBlock::kFree};
    described.maker = NameOf(kind);
    return described;
  }
};

class SampledBlocks {
 public:
  static constexpr unsigned kSlots = 256;
  // How many live at once where bytes are counted: each splits a mapping of the process.
  static constexpr unsigned kMostLiveByBytes = 16;

  static constexpr bool Fits(size_t n, size_t alignment) {
    return n <= KernelPage() - kBlockAlignment && alignment <= KernelPage() / 2;
  }
  // A block of exactly n bytes, cleared; 0 if no slot is free, or there is no memory. REQUIRES: it
  // fits.
  uintptr_t Allocate(size_t n, size_t alignment, Kind kind, uint64_t random);
  // REQUIRES: the address lies in the pool, here and below. Reports if it is no live block.
  void Free(uintptr_t address, const Call& called);
  // The block's size. False, after a report, if it is no live block. Of a live one this thread may
  // know without the lock; a report is made though it does not come free.
  bool FindLive(uintptr_t address, const char* called, size_t* size);

  // A live block is freed with a size or alignment (`name`) that cannot be its own.
  void ReportWrongSize(uintptr_t address, const char* called, const char* name, uint64_t given);

  // The slot that an address lies in or beside, as it is now, for a report.
  SampledSlot Nearest(uintptr_t address) const;

  // The slot whose page an address lies in, without the lock: what was true a moment ago. False if
  // it lies in a guard.
  bool Peek(uintptr_t address, SampledSlot* slot) const;

  // nullptr, or what is wrong with the slots.
  const char* Verify();

  unsigned live() const { return live_.load(std::memory_order_relaxed); }
  Lock& lock() ABSL_LOCK_RETURNED(lock_) { return lock_; }

 private:
  friend struct Layout;

  static constexpr size_t kBytes = (2 * kSlots + 1) * KernelPage();

  uintptr_t PageOf(unsigned slot) const { return begin_ + (2 * size_t{slot} + 1) * KernelPage(); }
  // Reserves the address range and makes it known to the page map, when the first block is due.
  bool IsThere() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void SetLive(unsigned live) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  unsigned SlotNear(uintptr_t address) const;
  void Release(unsigned index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void SealReleased() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  Lock lock_ MYMALLOC_LOCK(kSampled);
  uintptr_t begin_ = 0;
  SampledSlot* slots_ = nullptr;
  uint16_t queue_[kSlots] ABSL_GUARDED_BY(lock_) = {};  // a ring of the slots that are not live
  unsigned first_ ABSL_GUARDED_BY(lock_) = 0;
  // The last of them, whose pages can still be touched.
  unsigned unsealed_ ABSL_GUARDED_BY(lock_) = 0;
  std::atomic<unsigned> live_{0};
};

extern SampledBlocks g_sampled;

}  // namespace mymalloc

#endif  // MYMALLOC_MISUSE_SAMPLED_BLOCKS_H_
