// The calling thread's signal mask, by the kernel alone: libc's functions leave out the signals
// that libc uses itself, and a thread without libc (os/raw_thread.h) has none of them.

#ifndef MYMALLOC_BASE_SIGNAL_MASK_H_
#define MYMALLOC_BASE_SIGNAL_MASK_H_

#include <cstdint>

#include "mymalloc/base/syscall.h"

namespace mymalloc {

constexpr uint64_t SignalBit(int signal) { return uint64_t{1} << (signal - 1); }

// `how`: SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK. Returns the mask from before.
inline uint64_t ChangeSignalMask(int how, uint64_t mask) {
  uint64_t before = 0;
  Syscall(SYS_rt_sigprocmask, how, reinterpret_cast<long>(&mask), reinterpret_cast<long>(&before),
          sizeof(mask));
  return before;
}

// What was sent to this thread or the process, and this thread blocks.
inline uint64_t PendingSignals() {
  uint64_t pending = 0;
  Syscall(SYS_rt_sigpending, reinterpret_cast<long>(&pending), sizeof(pending));
  return pending;
}

}  // namespace mymalloc

#endif  // MYMALLOC_BASE_SIGNAL_MASK_H_
