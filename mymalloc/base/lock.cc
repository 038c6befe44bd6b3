#include "mymalloc/base/lock.h"

#include <linux/futex.h>
#include <time.h>

// A build that looks at every order of steps (tests/interleave) has no use for spinning.
#ifndef MYMALLOC_LOCK_SPINS
#define MYMALLOC_LOCK_SPINS 100  // about the time that a lock is held
#endif

namespace mymalloc {

std::atomic<uintptr_t> Lock::fork_thread_{0};

void Lock::AcquireSlow() {
  if (HeldThroughFork()) return;
  for (int spins = 0; spins < MYMALLOC_LOCK_SPINS; ++spins) {
    if (state_.load(std::memory_order_relaxed) == kFree && TryOnce()) return;
    __builtin_ia32_pause();
  }
  // Who has slept takes the lock as awaited: it does not know of the others that sleep. At worst
  // one release too many calls the kernel.
  while (state_.exchange(kAwaited, std::memory_order_acquire) != kFree) Sleep();
}

bool Lock::AcquireSoon() {
  if (MYMALLOC_LOCK_SPINS == 0) {  // nor for looking again
    Acquire();
    return true;
  }
  constexpr int kMillis = 100;
  const timespec pause = {0, 1000000};
  for (int i = 0; i < kMillis; ++i) {
    if (HeldThroughFork() || TryOnce()) return true;
    Syscall(SYS_nanosleep, reinterpret_cast<long>(&pause), 0);
  }
  return false;
}

// Until a release; or for no time at all, if there was one in between.
void Lock::Sleep() {
  Syscall(SYS_futex, reinterpret_cast<long>(&state_), FUTEX_WAIT_PRIVATE, kAwaited);
}

void Lock::Wake() { Syscall(SYS_futex, reinterpret_cast<long>(&state_), FUTEX_WAKE_PRIVATE, 1); }

}  // namespace mymalloc
