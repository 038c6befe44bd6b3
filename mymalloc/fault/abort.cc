#include "mymalloc/fault/abort.h"

#include <signal.h>

#include <atomic>
#include <cstdint>

#include "mymalloc/base/signal_mask.h"
#include "mymalloc/base/syscall.h"

namespace mymalloc {
namespace {

constexpr uint64_t kAbortMask = SignalBit(SIGABRT);

// What the kernel knows of a signal.
struct Action {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  uint64_t mask;
};

// The last thread to abort.
std::atomic<long> g_aborting{0};

void RaiseHere(long tid) { Syscall(SYS_tgkill, CurrentPid(), tid, SIGABRT); }

// A thread that comes again, from its handler, misuses the heap there: that does not run again.
void LetHandlerRun(long tid) {
  const bool was_blocked = (ChangeSignalMask(SIG_UNBLOCK, kAbortMask) & kAbortMask) != 0;
  const bool in_handler = g_aborting.exchange(tid) == tid && was_blocked;
  if (!in_handler) RaiseHere(tid);
}

}  // namespace

bool IsAborting() { return g_aborting.load(std::memory_order_relaxed) != 0; }

// Without libc: its abort takes locks.
void Abort() {
  const long tid = CurrentTid();
  LetHandlerRun(tid);
  // A handler returned, or there was none to run: the default action, then.
  const Action action = {SIG_DFL, 0, nullptr, 0};
  Syscall(SYS_rt_sigaction, SIGABRT, reinterpret_cast<long>(&action), 0, sizeof(action.mask));
  ChangeSignalMask(SIG_UNBLOCK, kAbortMask);
  RaiseHere(tid);
  for (;;) Syscall(SYS_exit_group, 128 + SIGABRT);
}

}  // namespace mymalloc
