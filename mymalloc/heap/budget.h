// How much memory may be free and resident, in all heaps and the page supply together: a share of
// what is live, and some more for what was given back and then wanted again soon.
//
// Heaps add what changes in steps, so the sums lag behind a little; nothing but what is given back,
// and when, depends on them.

#ifndef MYMALLOC_HEAP_BUDGET_H_
#define MYMALLOC_HEAP_BUDGET_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "mymalloc/base/lock_count.h"
#include "mymalloc/base/units.h"

namespace mymalloc {

class Budget {
 public:
  static constexpr size_t kLeast = 4 * kMiB;
  static constexpr size_t kShare = 8;  // of what is live
  // What a heap has not told yet: of what is free so much, or this share of it; of what is live, of
  // which only a share counts, so much more; and of what it has freed for others.
  static constexpr int64_t kStep = 512 * kKiB;
  static constexpr int64_t kFreeShare = 8;
  static constexpr int64_t kLiveStep = kStep * static_cast<int64_t>(kShare);
  static constexpr int64_t kSentStep = 4 * kStep;
  // Of the extra as much may be used as is live, and so much however little is.
  static constexpr size_t kAlwaysMostBoost = 24 * kMiB;
  // Threads that come and go, or take turns, leave pages of each class in each of their heaps. The
  // former is enough for a few heaps; for each more, up to a bound:
  static constexpr size_t kFewHeaps = 8;
  static constexpr size_t kMostBoostOfHeap = 8 * kMiB;
  static constexpr size_t kMostBoostOfHeaps = 96 * kMiB;
  // To give back in vain costs more than to keep in vain: the extra grows fast, by so much for each
  // byte that is wanted again, and shrinks slowly, by this share of what was not used.
  static constexpr size_t kEager = 8;
  static constexpr size_t kShrinkShare = 8;
  static constexpr size_t kSlack =
      4;  // of the budget, given back ahead: calls of the kernel are dear

  // What a heap has gathered of the three below.
  void Tell(int64_t free, int64_t live, int64_t long_blocks) {
    told_.Acquire();
    AddFree(free);
    AddLive(live);
    if (long_blocks != 0) AddLong(long_blocks);
    told_.Release();
  }
  // Of the heaps' pages: slots that are free and may be resident, and slots that are taken.
  void AddFree(int64_t bytes) { free_.fetch_add(bytes, std::memory_order_relaxed); }
  void AddLive(int64_t bytes) {
    live_.fetch_add(bytes, std::memory_order_relaxed);
    if (bytes < 0) freed_.fetch_add(1, std::memory_order_relaxed);
  }
  // What of the latter is long blocks, of which nobody knows how much the program touches.
  void AddLong(int64_t bytes) { long_.fetch_add(bytes, std::memory_order_relaxed); }
  // What the page supply has of it.
  void SetSupply(size_t bytes) {
    supply_.store(static_cast<int64_t>(bytes), std::memory_order_relaxed);
  }
  // There is one more heap.
  void AddHeap() { heaps_.fetch_add(1, std::memory_order_relaxed); }
  // What threads that have ended hold in their magazines and spills.
  void AddParked(int64_t bytes) { parked_.fetch_add(bytes, std::memory_order_relaxed); }

  size_t free() const { return Sum({&free_, &supply_, &parked_}); }
  size_t live() const { return Sum({&live_}); }
  // Moves on when less is live than before.
  uint64_t freed() const { return freed_.load(std::memory_order_relaxed); }
  size_t live_long() const { return Sum({&long_}); }
  size_t parked() const { return Sum({&parked_}); }
  size_t Most() const {
    if (short_.load(std::memory_order_relaxed)) return kLeast;
    return Max(kLeast, live() / kShare) + Min(boost(), MostBoost());
  }
  // How much is to be given back now: nothing, or enough for some calls to come.
  size_t Excess() {
    const size_t now = free();
    if (now <= kLeast) return 0;  // whatever else is to be known
    if (now > most_free_.load(std::memory_order_relaxed)) {
      most_free_.store(now, std::memory_order_relaxed);
    }
    const size_t most = Most();
    return now <= most ? 0 : now - most + most / kSlack;
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

  size_t boost() const { return boost_.load(std::memory_order_relaxed); }

 private:
  static size_t Sum(std::initializer_list<const std::atomic<int64_t>*> parts) {
    int64_t sum = 0;
    for (const std::atomic<int64_t>* part : parts) sum += part->load(std::memory_order_relaxed);
    return sum > 0 ? static_cast<size_t>(sum) : 0;
  }
  void NoteWantedAgain(size_t bytes);
  // How much of the extra may be used now.
  size_t MostBoost() const {
    const size_t heaps = heaps_.load(std::memory_order_relaxed);
    const size_t more = heaps - Min(heaps, kFewHeaps);
    const size_t of_heaps = Min(more * kMostBoostOfHeap, kMostBoostOfHeaps);
    return Max(Max(kAlwaysMostBoost, of_heaps), live());
  }

  alignas(64) std::atomic<int64_t> free_{0};
  std::atomic<int64_t> live_{0};
  std::atomic<int64_t> long_{0};
  std::atomic<uint64_t> freed_{1};
  std::atomic<int64_t> parked_{0};
  std::atomic<int64_t> supply_{0};
  std::atomic<size_t> boost_{0};
  std::atomic<size_t> heaps_{0};
  std::atomic<size_t> most_free_{0};   // in this period
  std::atomic<size_t> most_live_{0};   // lately
  std::atomic<size_t> given_back_{0};  // lately, and not yet wanted again
  std::atomic<bool> short_{false};
  std::atomic<uint32_t> short_ticks_{0};  // until that is over
  [[no_unique_address]] LockCount told_{LockName::kBudget};
};

extern Budget g_budget;

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_BUDGET_H_
