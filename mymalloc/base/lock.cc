#include "mymalloc/base/lock.h"

#include <sched.h>
#include <time.h>

namespace mymalloc {
namespace {

constexpr int kSpins = 100;          // about the time that a lock is held
constexpr int kYields = 64;          // then let the holder run, if it shares our processor
constexpr long kSleepNanos = 50000;  // then sleep: a holder of lower real-time priority must get in

void WaitABit(int attempt) {
  if (attempt < kSpins) {
    __builtin_ia32_pause();
  } else if (attempt < kSpins + kYields) {
    Syscall(SYS_sched_yield);
  } else {
    const timespec pause = {0, kSleepNanos};
    Syscall(SYS_nanosleep, reinterpret_cast<long>(&pause));
  }
}

}  // namespace

std::atomic<uintptr_t> Lock::fork_thread_{0};

void Lock::AcquireSlow() {
  if (HeldThroughFork()) return;
  for (int attempt = 0;; ++attempt) {
    if (held_.load(std::memory_order_relaxed) == 0 && TryOnce()) return;
    WaitABit(attempt);
  }
}

}  // namespace mymalloc
