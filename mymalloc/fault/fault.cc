#include "mymalloc/fault/fault.h"

#include <signal.h>
#include <unistd.h>

#include "mymalloc/base/options.h"
#include "mymalloc/base/printer.h"
#include "mymalloc/base/syscall.h"

namespace mymalloc {
namespace {

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

// Without libc: its abort takes locks, and the janitor has no libc thread data.
[[noreturn]] void Abort() {
  uint64_t mask = uint64_t{1} << (SIGABRT - 1);
  Syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, reinterpret_cast<long>(&mask), 0, sizeof(mask));
  Syscall(SYS_tgkill, CurrentPid(), CurrentTid(), SIGABRT);
  // A handler returned: the default action, then.
  struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    uint64_t mask;
  } action = {SIG_DFL, 0, nullptr, 0};
  Syscall(SYS_rt_sigaction, SIGABRT, reinterpret_cast<long>(&action), 0, sizeof(mask));
  Syscall(SYS_tgkill, CurrentPid(), CurrentTid(), SIGABRT);
  for (;;) Syscall(SYS_exit_group, 128 + SIGABRT);
}

}  // namespace

void Report(const Fault& fault) {
  if (g_options.on_error == OnError::kIgnore) return;
  Printer out;
  PrintPrefix(out);
  out.Text(fault.what).Text(": ").Text(fault.called).Text("(").Pointer(fault.address).Text("): ");
  out.Text(fault.detail).Text("\n");
  if (fault.block != 0) PrintBlock(out, fault);
  out.Text("  ").Text(fault.advice).Text("\n");
  out.WriteTo(STDERR_FILENO);
  if (g_options.on_error == OnError::kAbort) Abort();
}

void Die(const char* message) {
  Printer out;
  PrintPrefix(out);
  out.Text(message).Text("\n").WriteTo(STDERR_FILENO);
  Abort();
}

}  // namespace mymalloc
