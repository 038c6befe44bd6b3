// The janitor: gives memory back to the kernel that is free, in every thread's heap and the page
// supply. It has no thread: the slow ways of malloc and free call it, and it does a little each
// time, never with a lock held that others wait for long.
//
//   too much is free   what is beyond the budget (supply/budget.h) goes back at once, the oldest
//                      first, whoever owns it
//   time has passed    a pass over all heaps gives back what has not been used for a decay period
//   memory is dense    what is resident is copied into huge pages (supply/page_supply.h)
//
// What it finds broken it reports at once, but the process is ended only when it has released its
// locks: a handler of SIGABRT may allocate.
//
// Time is counted in ticks (supply/tick.h): what was freed in one and not used through the next is
// given back.

#ifndef MYMALLOC_PROCESS_JANITOR_H_
#define MYMALLOC_PROCESS_JANITOR_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "mymalloc/base/lock.h"
#include "mymalloc/page/tag.h"
#include "mymalloc/supply/budget.h"
#include "mymalloc/supply/step.h"

namespace mymalloc {

class Heap;

class Janitor {
 public:
  // From slow ways, with no lock held: does what is due, a step of it. `freed`: what the caller
  // has just freed, for which the step is longer. Returns whether more is to be given back.
  bool Poll(size_t freed = 0);

  // Has `work` done at the next call of Poll, on whatever thread: for a signal handler that found a
  // lock taken. Of two that wait the last is done.
  void Defer(void (*work)()) { deferred_.store(work, std::memory_order_relaxed); }
  void DoDeferred();

  // A thread has ended: what is beyond the budget goes back, however long that takes.
  void ThreadEnded();

  // One pass over everything, as if a tick had passed. `all`: gives back what can be given back,
  // however recently used, and what the calling thread holds.
  // Returns whether anything may be given back later, or was.
  bool Pass(bool all);

  // The system has no memory: gives back whatever can be given back, of all threads, so that it may
  // serve in another form. False if nothing has come free since the last time: so a program that
  // goes on asking at its limit is refused quickly. REQUIRES: no lock is held.
  bool Reclaim();

  // One of these is held while memory is given back, or copied into huge pages: fork waits for
  // that.
  Lock& pass_lock() ABSL_LOCK_RETURNED(pass_lock_) { return pass_lock_; }
  static constexpr unsigned kGivers = 4;
  struct Giver {
    Lock lock MYMALLOC_LOCK(kGiver);
  };
  using Givers = std::array<Giver, kGivers>;
  Givers& givers() { return givers_; }

 private:
  friend class Inspector;

  bool TooMuchIsFree() const;
  uint64_t NextTick(uint64_t now, uint64_t due);
  void Advance(uint64_t ticks);
  void GiveBack(Step* step);
  bool GiveBackAStep(Step* step);
  void PassSome(const Heap* own, Step* step);
  void MakeHugeSome(Step* step);
  static void ComeAgainSoon();
  static void TellOfAllHeaps();
  bool PassSomeLocked(const Heap* own, Step* step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_lock_);
  void ReleaseIfShort();
  bool PassLocked(const Heap* own) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_lock_);
  bool PassAllLocked(Heap* own) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_lock_);
  template <typename Do>
  static void WorkAndRelease(Lock& lock, Do&& work);

  std::atomic<uint64_t> next_tick_{0};  // by the clock
  std::atomic<void (*)()> deferred_{nullptr};
  std::atomic<bool> passing_{false};       // a pass is not yet at its end
  std::atomic<uint64_t> reclaimed_at_{0};  // what the budget says of frees, at the last Reclaim
  std::atomic<size_t> futile_{0};          // as long as no more is free, nothing can be given back
  std::atomic<HeapId> next_giver_{kFirstHeap};  // the heap whose turn it is to give back
  // Whoever gives back what is beyond the budget: several threads may.
  Givers givers_;
  Lock pass_lock_ MYMALLOC_LOCK(kJanitorPass);
  HeapId next_heap_ ABSL_GUARDED_BY(pass_lock_) = Tag::kNobody;  // of the pass, if it has begun
  size_t left_of_supply_ ABSL_GUARDED_BY(pass_lock_) = 0;        // for this pass to give back
  bool more_ ABSL_GUARDED_BY(pass_lock_) = false;  // may be given back at a later pass
};

extern Janitor g_janitor;

}  // namespace mymalloc

#endif  // MYMALLOC_PROCESS_JANITOR_H_
