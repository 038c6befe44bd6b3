#include "mymalloc/base/lock.h"

#include <errno.h>
#include <linux/futex.h>

// A build that looks at every order of steps (tests/interleave) has no use for spinning.
#ifndef MYMALLOC_LOCK_SPINS
#define MYMALLOC_LOCK_SPINS 100  // about the time that a lock is held
#endif

namespace mymalloc {

std::atomic<uintptr_t> Lock::fork_thread_{0};

void Lock::AcquireSlow() { Await(nullptr); }

// Whoever slept takes some time to come; a lock that is taken again at once would never be his.
void Lock::LetOthersInSlow() {
  constexpr int kTurns = 40 * MYMALLOC_LOCK_SPINS;
  Release();
  for (int i = 0; i < kTurns && state_.load(std::memory_order_relaxed) == kFree; ++i) {
    SpinPause();
  }
  Acquire();
}

bool Lock::AcquireSoon() {
  static constexpr timespec kMost = {0, 100'000'000};
  return TryOnce() || Await(MYMALLOC_LOCK_SPINS == 0 ? nullptr : &kMost);
}

bool Lock::Await(const timespec* most) {
  if (HeldThroughFork()) return true;
  count_.Wait();
  for (int spins = 0; spins < MYMALLOC_LOCK_SPINS; ++spins) {
    if (state_.load(std::memory_order_relaxed) == kFree && TryOnce()) return true;
    SpinPause();
  }
  // Who has slept takes the lock as awaited: it does not know of the others that sleep. At worst
  // one release too many calls the kernel.
  while (state_.exchange(kAwaited, std::memory_order_acquire) != kFree) {
    const long result = Sleep(most);
    if (most != nullptr && (result == -ETIMEDOUT || result == -EINTR)) return false;
  }
  count_.Acquire();
  return true;
}

// Until a release; or for no time at all, if there was one in between.
long Lock::Sleep(const timespec* most) {
  return Syscall(SYS_futex, reinterpret_cast<long>(&state_), FUTEX_WAIT_PRIVATE, kAwaited,
                 reinterpret_cast<long>(most));
}

void Lock::Wake() { Syscall(SYS_futex, reinterpret_cast<long>(&state_), FUTEX_WAKE_PRIVATE, 1); }

}  // namespace mymalloc
