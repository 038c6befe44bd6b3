// How much memory may be free and resident, in all heaps and the page supply together: a share of
// what is live, and some more for what was given back and then wanted again soon.
//
// Heaps add what changes in steps, so the sums lag behind a little; nothing but what is given back,
// and when, depends on them. All threads share them: who changes them looks whether too much is
// free, and the others at one flag, which hardly ever changes.

#ifndef MYMALLOC_SUPPLY_BUDGET_H_
#define MYMALLOC_SUPPLY_BUDGET_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "mymalloc/base/lock_count.h"
#include "mymalloc/base/units.h"
#include "mymalloc/supply/watermark.h"

namespace mymalloc {

// Its padding keeps what all threads read apart from what changes.
class Budget {  // NOLINT(clang-analyzer-optin.performance.Padding)
 public:
  static constexpr size_t kLeast = 4 * kMiB;
  static constexpr size_t kShare = 8;  // of what is live
  // A heap tells what has changed when that is a share of its own size, but within these bounds;
  // and what it has sent to others when that is the lower of them.
  static constexpr int64_t kStep = 512 * kKiB;
  static constexpr int64_t kLargestStep = 4 * kMiB;
  static constexpr int64_t StepOf(size_t heap_bytes) {
    return Min(Max(static_cast<int64_t>(heap_bytes / kShare), kStep), kLargestStep);
  }
  // Of the extra as much may be used as is live, and so much however little is.
  static constexpr size_t kAlwaysMostExtra = 24 * kMiB;
  // Threads that come and go, or take turns, leave pages of each class in each of their heaps. That
  // much is enough for a few heaps; for each more, up to a bound:
  static constexpr size_t kFewHeaps = 8;
  static constexpr size_t kMostExtraOfHeap = 8 * kMiB;
  static constexpr size_t kMostExtraOfHeaps = 96 * kMiB;
  // To give back in vain costs more than to keep in vain: the extra grows fast, by so much for each
  // byte that is wanted again, and shrinks slowly, by this share of what was not used.
  static constexpr size_t kEager = 8;
  static constexpr size_t kShrinkShare = 8;
  // Of the budget this share is given back ahead: calls of the kernel are dear.
  static constexpr size_t kSlack = 4;

  // Of the heaps' pages, what has changed: slots that are free and may be resident; slots that are
  // taken, and large blocks; what of the latter is long, of which nobody knows how much the program
  // touches.
  void Tell(int64_t free, int64_t live, int64_t long_blocks) {
    told_.Acquire();
    if (free != 0) free_.fetch_add(free, std::memory_order_relaxed);
    if (live != 0) live_.fetch_add(live, std::memory_order_relaxed);
    if (live < 0) freed_.fetch_add(1, std::memory_order_relaxed);
    if (long_blocks != 0) long_.fetch_add(long_blocks, std::memory_order_relaxed);
    told_.Release();
    Watch();
  }
  // So much is on its way to its owner: that is free, nobody need know whose it is.
  void TellSent(int64_t bytes) { Tell(bytes, -bytes, /*long_blocks=*/0); }
  // What the page supply has of free memory.
  void SetSupply(size_t bytes) {
    supply_.store(static_cast<int64_t>(bytes), std::memory_order_relaxed);
    Watch();
  }
  // There is one more heap.
  void AddHeap() { heaps_.fetch_add(1, std::memory_order_relaxed); }
  // What threads that have ended hold in their magazines and spills.
  void AddParked(int64_t bytes) {
    parked_.fetch_add(bytes, std::memory_order_relaxed);
    Watch();
  }

  size_t free() const { return Sum({&free_, &supply_, &parked_}); }
  size_t live() const { return Sum({&live_}); }
  // Moves on when less is live than before.
  uint64_t freed() const { return freed_.load(std::memory_order_relaxed); }
  size_t live_long() const { return Sum({&long_}); }
  size_t parked() const { return Sum({&parked_}); }
  size_t Most() const {
    if (short_.load(std::memory_order_relaxed) || IsOverSoftLimit()) return kLeast;
    return Max(kLeast, live() / kShare) + Min(extra(), MostExtra());
  }
  // How much is to be given back now: nothing, or enough for some calls to come.
  size_t Excess() {
    const size_t now = free();
    if (now <= kLeast) return 0;  // whatever else is to be known
    most_free_.Note(now);
    const size_t most = Most();
    return now <= most ? 0 : now - most + most / kSlack;
  }

  // Whether too much may be free: then Excess tells.
  bool IsExceeded() const { return exceeded_.load(std::memory_order_relaxed); }
  // Whether half as much again is free: what has gone so far was not enough.
  bool IsFarExceeded() const { return IsExceeded() && free() > Most() * 3 / 2; }
  // Excess has said that it is not.
  void NoteNotExceeded() {
    exceeded_.store(false, std::memory_order_relaxed);
    Watch();
  }

  // Memory was given back; memory is touched anew. What is wanted again so soon was worth keeping.
  void NoteGivenBack(size_t bytes);
  void NoteWanted(size_t bytes) {
    if (given_back_.load(std::memory_order_relaxed) != 0) NoteWantedAgain(bytes);
  }
  // A period is over: what was not used of the extra is not needed.
  void Tick();

  // The system has refused memory: for some periods hardly any is to be kept.
  void BeShort();
  bool IsShort() const { return short_.load(std::memory_order_relaxed); }

  // Limits on what is live, and free and resident, together, as it is told here: heaps tell of what
  // changes by steps, and a page that is there may be filled. 0: none. Above the soft one as little
  // is kept as where memory is short; what would go beyond the hard one is refused.
  void SetLimits(uint64_t soft, uint64_t hard) {
    SetSoftLimit(soft);
    SetHardLimit(hard);
  }
  void SetSoftLimit(uint64_t bytes) {
    soft_limit_.store(bytes == 0 ? kNoLimit : bytes, std::memory_order_relaxed);
    Watch();
  }
  void SetHardLimit(uint64_t bytes) {
    hard_limit_.store(bytes == 0 ? kNoLimit : bytes, std::memory_order_relaxed);
  }
  uint64_t soft_limit() const { return OrNone(soft_limit_.load(std::memory_order_relaxed)); }
  uint64_t hard_limit() const { return OrNone(hard_limit_.load(std::memory_order_relaxed)); }
  // Whether the hard limit forbids so much more.
  bool Refuses(size_t bytes) const {
    const uint64_t limit = hard_limit_.load(std::memory_order_relaxed);
    return __builtin_expect(limit != kNoLimit, 0) && (used() >= limit || bytes > limit - used());
  }

  size_t extra() const { return extra_.load(std::memory_order_relaxed); }

 private:
  static constexpr uint64_t kNoLimit = ~uint64_t{0};
  static uint64_t OrNone(uint64_t limit) { return limit == kNoLimit ? 0 : limit; }
  size_t used() const { return live() + free(); }
  bool IsOverSoftLimit() const {
    const uint64_t limit = soft_limit_.load(std::memory_order_relaxed);
    return __builtin_expect(limit != kNoLimit, 0) && used() > limit;
  }
  static size_t Sum(std::initializer_list<const std::atomic<int64_t>*> parts) {
    int64_t sum = 0;
    for (const std::atomic<int64_t>* part : parts) sum += part->load(std::memory_order_relaxed);
    return sum > 0 ? static_cast<size_t>(sum) : 0;
  }
  void NoteWantedAgain(size_t bytes);
  // After each change. Of two threads, one that changes a sum and one that puts the flag down, the
  // fences let one see what the other did.
  void Watch() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!IsExceeded() && Excess() != 0) exceeded_.store(true, std::memory_order_relaxed);
  }
  // How much of the extra may be used now.
  size_t MostExtra() const {
    const size_t heaps = heaps_.load(std::memory_order_relaxed);
    const size_t more = heaps - Min(heaps, kFewHeaps);
    const size_t of_heaps = Min(more * kMostExtraOfHeap, kMostExtraOfHeaps);
    return Max(Max(kAlwaysMostExtra, of_heaps), live());
  }

  alignas(64) std::atomic<int64_t> free_{0};
  std::atomic<int64_t> live_{0};
  std::atomic<int64_t> long_{0};
  std::atomic<uint64_t> freed_{1};
  std::atomic<int64_t> parked_{0};
  std::atomic<int64_t> supply_{0};
  std::atomic<size_t> extra_{0};
  std::atomic<size_t> heaps_{0};
  HighWater most_free_;
  HighWater most_live_;                // of a period and half of the one before, and so on
  std::atomic<size_t> given_back_{0};  // lately, and not yet wanted again
  std::atomic<uint64_t> soft_limit_{kNoLimit};
  std::atomic<uint64_t> hard_limit_{kNoLimit};
  std::atomic<bool> short_{false};
  std::atomic<uint32_t> short_ticks_{0};  // until that is over
  // Alone on its line.
  alignas(64) std::atomic<bool> exceeded_{false};
  [[no_unique_address]] LockCount told_{LockName::kBudget};
};

extern Budget g_budget;

}  // namespace mymalloc

#endif  // MYMALLOC_SUPPLY_BUDGET_H_
