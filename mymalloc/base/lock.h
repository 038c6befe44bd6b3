// The allocator's lock: one word, on which a waiter spins briefly and then sleeps in the kernel.
//
// Most locks are held for a few hundred instructions, so a waiter spins first. It never waits by
// the clock: hundreds of threads that look again every 50 microseconds kept both processors of a
// small machine from the one that held the lock.
//
// It knows about fork: while a thread is between the prepare and the parent or child half of fork
// it holds every lock of the allocator (process/freeze.h), and the malloc calls of other
// libraries' fork handlers on that thread pass through.

#ifndef MYMALLOC_BASE_LOCK_H_
#define MYMALLOC_BASE_LOCK_H_

#include <time.h>

#include <atomic>
#include <cstdint>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/base/thread_annotations.h"
#include "mymalloc/base/lock_count.h"
#include "mymalloc/base/lock_order.h"
#include "mymalloc/base/syscall.h"

namespace mymalloc {

class ABSL_LOCKABLE Lock {
 public:
  constexpr Lock() = default;
  // One of lock_order.h: by MYMALLOC_LOCK, which tells Clang of its place, too.
  constexpr explicit Lock(LockName name) : count_(name) {}
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  void Acquire() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    count_.MayWait(&HeldThroughFork);
    if (ABSL_PREDICT_FALSE(!TryOnce())) AcquireSlow();
  }

  bool TryAcquire() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) { return TryOnce(); }

  // For reports, which must come out wherever they are made: waits a tenth of a second at most. It
  // may be that this thread itself holds the lock, in a signal handler that interrupted it.
  bool AcquireSoon() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true);

  void Release() ABSL_UNLOCK_FUNCTION() {
    if (ABSL_PREDICT_FALSE(HeldThroughFork())) return;
    count_.Release();
    if (ABSL_PREDICT_FALSE(state_.exchange(kFree, std::memory_order_release) == kAwaited)) Wake();
  }

  // Of a lock that is held for long: whoever waits for it may have it in between.
  void LetOthersIn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(this) {
    if (ABSL_PREDICT_FALSE(state_.load(std::memory_order_relaxed) == kAwaited)) LetOthersInSlow();
  }

  // The calling thread, which holds every lock, passes through all of them until EndFork.
  static void BeginFork() { fork_thread_.store(ThreadPointer(), std::memory_order_relaxed); }
  static void EndFork() { fork_thread_.store(0, std::memory_order_relaxed); }

 private:
  enum State : uint32_t {
    kFree,
    kHeld,
    kAwaited,  // held, and somebody may sleep until the release
  };

  bool TryOnce() {
    uint32_t expected = kFree;
    if (!state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
      return false;
    }
    count_.Acquire();
    return true;
  }
  void AcquireSlow();
  void LetOthersInSlow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(this);
  // False if it did not come free in time. nullptr: as long as it takes.
  bool Await(const timespec* most);
  long Sleep(const timespec* most);
  void Wake();

  static bool HeldThroughFork() {
    const uintptr_t thread = fork_thread_.load(std::memory_order_relaxed);
    return thread != 0 && thread == ThreadPointer();
  }

  std::atomic<uint32_t> state_{kFree};
  [[no_unique_address]] LockCount count_;
  static std::atomic<uintptr_t> fork_thread_;
};
#ifndef MYMALLOC_COUNT_LOCKS
static_assert(sizeof(Lock) == sizeof(std::atomic<uint32_t>), "one word: counting costs nothing");
#endif

class ABSL_SCOPED_LOCKABLE LockHolder {
 public:
  explicit LockHolder(Lock& lock) ABSL_EXCLUSIVE_LOCK_FUNCTION(lock) : lock_(lock) {
    lock_.Acquire();
  }
  ~LockHolder() ABSL_UNLOCK_FUNCTION() { lock_.Release(); }
  LockHolder(const LockHolder&) = delete;
  LockHolder& operator=(const LockHolder&) = delete;

 private:
  Lock& lock_;
};

// Holds the lock if it comes free soon.
class ReportLockHolder {
 public:
  explicit ReportLockHolder(Lock& lock) ABSL_NO_THREAD_SAFETY_ANALYSIS : lock_(lock),
                                                                         held_(lock.AcquireSoon()) {
  }
  ~ReportLockHolder() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (held_) lock_.Release();
  }
  ReportLockHolder(const ReportLockHolder&) = delete;
  ReportLockHolder& operator=(const ReportLockHolder&) = delete;

  bool held() const { return held_; }

 private:
  Lock& lock_;
  const bool held_;
};

}  // namespace mymalloc

#endif  // MYMALLOC_BASE_LOCK_H_
