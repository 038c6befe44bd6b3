#include "mymalloc/fault/abort.h"

#include <signal.h>
#include <time.h>

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

// One that comes again from its handler misuses the heap there: no handler any more, then.
void LetHandlerRunHere(long tid) {
  const bool was_blocked = (ChangeSignalMask(SIG_UNBLOCK, kAbortMask) & kAbortMask) != 0;
  const bool in_handler = g_aborting.exchange(tid) == tid && was_blocked;
  if (!in_handler) RaiseHere(tid);
}

bool HasHandler() {
  Action action = {};
  Syscall(SYS_rt_sigaction, SIGABRT, 0, reinterpret_cast<long>(&action), sizeof(action.mask));
  return action.handler != SIG_DFL && action.handler != SIG_IGN;
}

// Whether no thread of the process has taken it yet.
bool IsPending() { return (PendingSignals() & kAbortMask) != 0; }

void SleepMillis(long millis) {
  timespec time = {0, millis * 1000000};
  Syscall(SYS_nanosleep, reinterpret_cast<long>(&time), 0);
}

// The kernel gives what is sent to the process to its main thread, or to another if that blocks it.
// How long a handler takes nobody knows: a crash reporter may need seconds.
void LetHandlerRunElsewhere() {
  constexpr long kStepMillis = 10;
  constexpr long kToBeTakenMillis = 1000;
  constexpr long kToEndMillis = 10000;
  if (!HasHandler()) return;
  Syscall(SYS_kill, CurrentPid(), SIGABRT);
  for (long waited = 0; waited < kToEndMillis; waited += kStepMillis) {
    if (waited >= kToBeTakenMillis && IsPending()) return;
    SleepMillis(kStepMillis);
  }
}

}  // namespace

bool IsAborting() { return g_aborting.load(std::memory_order_relaxed) != 0; }

// Without libc: its abort takes locks.
void Abort() {
  const long tid = CurrentTid();
  if (IsThreadOfLibc()) {
    LetHandlerRunHere(tid);
  } else {
    LetHandlerRunElsewhere();
  }
  // A handler returned, or there was none to run: the default action, then.
  const Action action = {SIG_DFL, 0, nullptr, 0};
  Syscall(SYS_rt_sigaction, SIGABRT, reinterpret_cast<long>(&action), 0, sizeof(action.mask));
  ChangeSignalMask(SIG_UNBLOCK, kAbortMask);
  RaiseHere(tid);
  for (;;) Syscall(SYS_exit_group, 128 + SIGABRT);
}

}  // namespace mymalloc
