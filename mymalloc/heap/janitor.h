// The janitor: gives memory back to the kernel that nobody has used for a while, in every thread's
// heap, the page supply and the large-block cache; also when no thread calls malloc any more.
//
// It runs on a thread of its own, started when the first megabyte has been freed: small programs
// never have it. The thread is made without libc (pthread_create would call malloc, and take locks
// that the caller of free may hold), has all signals blocked, uses nothing but system calls, and
// sleeps for good while there is nothing to give back. Where there can be no thread, the slow paths
// of malloc and free do the work when it is due.
//
// What it finds broken it reports at once, but the process is ended only when the pass has released
// its locks: a handler of SIGABRT may allocate.
//
// Time is counted in ticks of half a decay period: what was freed in one tick and not used through
// the next is given back.

#ifndef MYMALLOC_HEAP_JANITOR_H_
#define MYMALLOC_HEAP_JANITOR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "mymalloc/base/lock.h"

namespace mymalloc {

class Janitor {
 public:
  // The memory that is freed before the janitor is told.
  static constexpr size_t kWakeBytes = size_t{1} << 20;

  uint16_t tick() const { return tick_.load(std::memory_order_relaxed); }

  // There may be something to give back: makes sure that it will be looked at. Takes no lock.
  void Wake() {
    if (state_.load(std::memory_order_relaxed) != kAwake) WakeSlow();
  }

  // From slow paths, with no lock held: does the work itself where there is no thread.
  void Poll() {
    if (state_.load(std::memory_order_relaxed) == kNoThread) PollSlow();
  }

  // One pass over everything. `all`: give back what can be given back, however recently used, and
  // what the calling thread holds.
  // Returns whether anything was or may be given back.
  bool Pass(bool all);

  // The system has no memory: gives back whatever can be given back, of all threads, so that it may
  // serve in another form. Returns whether there was anything. REQUIRES: no lock is held.
  bool Reclaim();

  // The child of a fork has no janitor thread yet.
  void ForkChild() { state_.store(kNotStarted, std::memory_order_relaxed); }

  // Held during a pass: fork waits for its end.
  Lock& pass_lock() ABSL_LOCK_RETURNED(pass_lock_) { return pass_lock_; }

 private:
  enum State : uint32_t { kNotStarted, kStarting, kAsleep, kAwake, kNoThread };

  bool PassLocked(bool all) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_lock_);
  void WakeSlow();
  void PollSlow();
  bool StartThread();
  void Run();
  static int ThreadMain(void* janitor);

  std::atomic<uint32_t> state_{kNotStarted};  // a futex
  std::atomic<uint16_t> tick_{0};
  std::atomic<uint64_t> due_{0};  // of the next pass, without a thread
  Lock pass_lock_;
};

extern Janitor g_janitor;

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_JANITOR_H_
