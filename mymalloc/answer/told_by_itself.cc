#include "mymalloc/answer/told_by_itself.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mymalloc/answer/stats.h"
#include "mymalloc/base/options.h"
#include "mymalloc/base/printer.h"
#include "mymalloc/base/syscall.h"
#include "mymalloc/fault/option_file.h"
#include "mymalloc/process/janitor.h"

namespace mymalloc {
namespace {

// Many programs close stderr as they end, before the library does. A copy is kept for statistics,
// of which it is known which file it is: a program may close all that it does not know, and open
// others.
struct KeptFile {
  long fd = -EBADF;
  struct stat file {};
} g_stderr;

bool IsFile(long fd, struct stat* file) {
  return !IsError(Syscall(SYS_fstat, fd, reinterpret_cast<long>(file)));
}

void KeepStderr() {
  constexpr long kOutOfTheWay = 100;
  if (!IsFile(STDERR_FILENO, &g_stderr.file)) return;
  g_stderr.fd = Syscall(SYS_fcntl, STDERR_FILENO, F_DUPFD_CLOEXEC, kOutOfTheWay);
}

int Stderr() {
  struct stat file {};
  if (IsFile(STDERR_FILENO, &file) || IsError(g_stderr.fd) || !IsFile(g_stderr.fd, &file)) {
    return STDERR_FILENO;
  }
  const bool same = file.st_dev == g_stderr.file.st_dev && file.st_ino == g_stderr.file.st_ino;
  return same ? static_cast<int>(g_stderr.fd) : STDERR_FILENO;
}

// To the file that stats_file names, or where that is none or cannot be opened to stderr.
bool Dump(Patience patience) {
  const long file = OpenToAppend(g_options.stats_file);
  const int fd = IsError(file) ? Stderr() : static_cast<int>(file);
  const bool printed = PrintStats(fd, g_options.stats, patience);
  if (!IsError(file)) CloseFile(file);
  return printed;
}

// Where even now a lock is not to be had, by the next that comes to a slow way.
void DumpLater() {
  if (!Dump(Patience::kMoment)) g_janitor.Defer(DumpLater);
}

// The interrupted thread may hold a lock, or another thread: then it is done as soon as one comes
// to a slow way. No other signal comes between.
void DumpOnSignal(int) {
  if (!Dump(Patience::kNone)) g_janitor.Defer(DumpLater);
}

void InstallDumpSignal(uint32_t number) {
  struct sigaction action {};
  action.sa_handler = DumpOnSignal;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  sigaction(static_cast<int>(number), &action, nullptr);
}

void PrintStart() {
  Printer out;
  out.Text("mymalloc[").Decimal(static_cast<uint64_t>(CurrentPid())).Text("]: version ");
  out.Text(MYMALLOC_VERSION).Text(", options:");
  const size_t before = out.size();
  PrintOptionsInForce(g_options, out);
  if (out.size() == before) out.Text(" all as by default");
  out.Text("\n").WriteTo(STDERR_FILENO);
}

}  // namespace

void TellAtStart() {
  if (g_options.verbose) PrintStart();
  if (g_options.stats != PrintedStats::kNone && g_options.stats_file.IsEmpty()) KeepStderr();
  if (g_options.dump_signal.number != 0) InstallDumpSignal(g_options.dump_signal.number);
}

void TellAtExit() {
  g_janitor.DoDeferred();
  if (g_options.stats != PrintedStats::kNone) Dump(Patience::kMoment);
}

}  // namespace mymalloc
