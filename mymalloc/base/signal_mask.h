// The calling thread's signal mask, by the kernel alone: libc's functions leave out the signals
// that libc uses itself.

#ifndef MYMALLOC_BASE_SIGNAL_MASK_H_
#define MYMALLOC_BASE_SIGNAL_MASK_H_

#include <signal.h>

#include <cstdint>

#include "mymalloc/base/syscall.h"

namespace mymalloc {

constexpr uint64_t SignalBit(int signal) { return uint64_t{1} << (signal - 1); }

// `how`: SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK. Returns the mask from before; if the kernel refuses,
// as some sandboxes have it do, that is zero, and not to be restored.
inline uint64_t ChangeSignalMask(int how, uint64_t mask) {
  uint64_t before = 0;
  Syscall(SYS_rt_sigprocmask, how, reinterpret_cast<long>(&mask), reinterpret_cast<long>(&before),
          sizeof(mask));
  return before;
}

// Blocks signals, and returns those that were not blocked before: what is to be unblocked again.
// None if the kernel refuses, for then the mask is as it was.
inline uint64_t BlockSignals(uint64_t signals) {
  uint64_t before = 0;
  const long result = Syscall(SYS_rt_sigprocmask, SIG_BLOCK, reinterpret_cast<long>(&signals),
                              reinterpret_cast<long>(&before), sizeof(signals));
  return IsError(result) ? 0 : signals & ~before;
}

// What was sent to this thread or the process, and this thread blocks.
inline uint64_t PendingSignals() {
  uint64_t pending = 0;
  Syscall(SYS_rt_sigpending, reinterpret_cast<long>(&pending), sizeof(pending));
  return pending;
}

}  // namespace mymalloc

#endif  // MYMALLOC_BASE_SIGNAL_MASK_H_
