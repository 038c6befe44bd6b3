#include "mymalloc/fault/fault.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "absl/base/attributes.h"
#include "mymalloc/base/options.h"
#include "mymalloc/base/printer.h"
#include "mymalloc/base/syscall.h"
#include "mymalloc/fault/listener.h"
#include "mymalloc/fault/stack_printer.h"
#include "mymalloc/fault/stack_trace.h"

namespace mymalloc {
namespace {

constexpr unsigned kMostFrames = 16;

// The last thread to abort.
std::atomic<long> g_aborting{0};

void PrintPrefix(Printer& out) {
  out.Text("mymalloc[").Signed(CurrentPid()).Text(".").Signed(CurrentTid()).Text("]: ");
}

void PrintBlock(Printer& out, const Fault& fault) {
  out.Text("  block: [").Pointer(fault.block).Text(", ").Pointer(fault.block + fault.usable);
  out.Text("), ").Decimal(fault.usable).Text(" usable bytes, ").Text(fault.state);
  if (fault.address != fault.block) {
    out.Text(", the pointer is at offset ")
        .Signed(static_cast<int64_t>(fault.address - fault.block));
  }
  if (fault.page != 0) {
    out.Text("; slot ").Decimal(fault.slot).Text(" of page ").Pointer(fault.page);
  } else {
    out.Text("; a mapping of its own");
  }
  out.Text("\n");
}

void PrintAdvice(Printer& out, const char* advice) { out.Text("  ").Text(advice).Text("\n"); }

// The advice stands last, and is there whatever else had to be left out.
void PrintStackAndAdvice(Printer& out, const uintptr_t* frames, unsigned count,
                         const char* advice) {
  const size_t before = out.size();
  PrintAdvice(out, advice);
  const size_t reserved = out.size() - before;
  out.CutBackTo(before);
  PrintStack(frames, count, reserved, out);
  PrintAdvice(out, advice);
}

void PrintReport(Printer& out, const Fault& fault, const uintptr_t* frames, unsigned count) {
  PrintPrefix(out);
  out.Text(fault.what).Text(": ").Text(fault.called).Text("(").Pointer(fault.address).Text("): ");
  out.Text(fault.detail).Text("\n");
  if (fault.block != 0) PrintBlock(out, fault);
  PrintStackAndAdvice(out, frames, count, fault.advice);
}

void RaiseAbort(long tid) { Syscall(SYS_tgkill, CurrentPid(), tid, SIGABRT); }

// Without libc: its abort takes locks, and the janitor has no libc thread data.
[[noreturn]] void Abort() {
  const uint64_t mask = uint64_t{1} << (SIGABRT - 1);
  const auto unblock = [&mask](uint64_t* before) {
    Syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, reinterpret_cast<long>(&mask),
            reinterpret_cast<long>(before), sizeof(mask));
  };
  const long tid = CurrentTid();
  uint64_t before = 0;
  unblock(&before);
  // One that comes again from its handler misuses the heap there: no handler any more, then.
  const bool in_handler = g_aborting.exchange(tid) == tid && (before & mask) != 0;
  if (!in_handler) RaiseAbort(tid);
  // A handler returned: the default action, then.
  struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    uint64_t mask;
  } action = {SIG_DFL, 0, nullptr, 0};
  Syscall(SYS_rt_sigaction, SIGABRT, reinterpret_cast<long>(&action), 0, sizeof(mask));
  RaiseAbort(tid);
  for (;;) Syscall(SYS_exit_group, 128 + SIGABRT);
}

// Most of what a report needs of the stack is the text; so that a small stack is enough, it is
// here, for one report at a time.
Printer g_text;
std::atomic<bool> g_text_in_use{false};

void ReportInto(Printer& out, const Fault& fault, const uintptr_t* frames, unsigned count) {
  PrintReport(out, fault, frames, count);
  const char* const message = out.Terminated();
  const size_t size = out.size();
  if (g_options.on_error != OnError::kIgnore) out.WriteTo(STDERR_FILENO);
  TellFaultListener(fault, message, size);
}

ABSL_ATTRIBUTE_NOINLINE void ReportIntoOwnText(const Fault& fault, const uintptr_t* frames,
                                               unsigned count) {
  Printer own;
  ReportInto(own, fault, frames, count);
}

}  // namespace

// Not inlined: in a program that the library is linked into, this is where the stack begins.
ABSL_ATTRIBUTE_NOINLINE void Report(const Fault& fault) {
  if (g_options.on_error == OnError::kIgnore && !HasFaultListener()) return;
  uintptr_t frames[kMostFrames];
  const unsigned count = CaptureStack(frames, kMostFrames);
  if (g_text_in_use.exchange(true)) {
    ReportIntoOwnText(fault, frames, count);
  } else {
    g_text.CutBackTo(0);
    ReportInto(g_text, fault, frames, count);
    g_text_in_use = false;
  }
  if (g_options.on_error == OnError::kAbort) Abort();
}

void Die(const char* message) {
  Printer out;
  PrintPrefix(out);
  out.Text(message).Text("\n").WriteTo(STDERR_FILENO);
  Abort();
}

}  // namespace mymalloc
