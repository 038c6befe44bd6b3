#include "tools/command/traced_program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <iterator>

#include "tools/look/stopped_threads.h"

namespace mymalloc::command {
namespace {

constexpr int kNotStarted = 127;

// Waits until it is traced, then becomes the program. What hinders that is told by the pipe.
[[noreturn]] void BecomeProgram(const std::vector<std::string>& arguments, int go, int failed) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  char byte;
  if (read(go, &byte, 1) == 1) execvp(pointers[0], pointers.data());
  const int error = errno;
  if (write(failed, &error, sizeof(error)) < 0) _exit(kNotStarted);
  _exit(kNotStarted);
}

// What others ask this command for by these the program is asked for. What the terminal sends it
// has got itself. They are held up until there is one to pass them to.
class SignalsPassed {
 public:
  SignalsPassed() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : kSignals) sigaddset(&set, signal);
    sigprocmask(SIG_BLOCK, &set, &mask_before_);
    struct sigaction pass = {};
    pass.sa_sigaction = &Pass;
    pass.sa_flags = SA_SIGINFO;
    for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &pass, &before_[i]);
    // Where these are ignored, as the starter may have it, there is no child to wait for.
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &standard, &child_before_);
  }
  SignalsPassed(const SignalsPassed&) = delete;
  SignalsPassed& operator=(const SignalsPassed&) = delete;
  ~SignalsPassed() { to_ = 0; }

  // In the child: as if nothing stood between.
  void GiveBack() const {
    for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &before_[i], nullptr);
    sigaction(SIGCHLD, &child_before_, nullptr);
    sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
  }

  void PassTo(pid_t pid) {
    to_ = pid;
    sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
  }

 private:
  static constexpr int kSignals[] = {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM};

  static void Pass(int signal, siginfo_t* info, void* /*context*/) {
    const int error = errno;
    if (info->si_code != SI_KERNEL && to_ > 0) kill(to_, signal);
    errno = error;
  }

  static volatile pid_t to_;
  sigset_t mask_before_;
  struct sigaction before_[std::size(kSignals)];
  struct sigaction child_before_;
};

volatile pid_t SignalsPassed::to_ = 0;

// What a stopped thread is told: to go on, with the signal that it stopped for.
class Tracer {
 public:
  Tracer(pid_t pid, const AtEnd& at_end) : pid_(pid), at_end_(at_end) {}

  int RunToEnd() {
    int status = 0;
    for (;;) {
      const pid_t tid = waitpid(-1, &status, __WALL);
      if (tid < 0 && errno == EINTR) continue;
      if (tid < 0) return last_;
      if (WIFSTOPPED(status)) {
        Resume(tid, status);
      } else if (tid == pid_) {
        last_ = status;
        return last_;
      }
    }
  }

 private:
  void Resume(pid_t tid, int status) {
    const int event = status >> 16;
    if (event == PTRACE_EVENT_EXEC) has_begun_ = true;
    if (event == PTRACE_EVENT_EXIT && has_begun_) NoteEnd(tid);
    const bool in_group_stop = event == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP;
    if (in_group_stop) {
      ptrace(PTRACE_LISTEN, tid, nullptr, nullptr);
      return;
    }
    const int signal = event == 0 ? WSTOPSIG(status) : 0;
    ptrace(PTRACE_CONT, tid, nullptr, signal);
  }

  // A thread may also end alone. The last one, or one that has the others killed, ends the process.
  void NoteEnd(pid_t tid) {
    unsigned long code = 0;
    ptrace(PTRACE_GETEVENTMSG, tid, nullptr, &code);
    if (done_ || WIFSIGNALED(static_cast<int>(code))) return;
    look::Thread thread;
    if (!look::ReadRegisters(tid, &thread)) return;
    constexpr uint64_t kExitGroup = 231;
    constexpr size_t kSystemCall = 15;  // orig_rax
    const bool for_all = thread.words[kSystemCall] == kExitGroup;
    if (!for_all && tid != pid_) return;
    done_ = true;
    at_end_(pid_, {thread});
  }

  const pid_t pid_;
  const AtEnd& at_end_;
  bool has_begun_ = false;  // else it is this command's child yet
  bool done_ = false;
  int last_ = 0;
};

}  // namespace

Ending RunTraced(const std::vector<std::string>& arguments, const AtEnd& at_end) {
  Ending ending;
  int go[2];
  int failed[2];
  if (pipe2(go, O_CLOEXEC) != 0 || pipe2(failed, O_CLOEXEC) != 0) {
    ending.exec_error = errno;
    return ending;
  }
  SignalsPassed signals;
  const pid_t pid = fork();
  if (pid == 0) {
    signals.GiveBack();
    close(go[1]);
    BecomeProgram(arguments, go[0], failed[1]);
  }
  signals.PassTo(pid);
  close(failed[1]);
  constexpr long kOptions =
      PTRACE_O_TRACEEXIT | PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
  const bool traced = pid > 0 && ptrace(PTRACE_SEIZE, pid, nullptr, kOptions) == 0;
  if (!traced) ending.exec_error = errno;
  if (traced && write(go[1], "g", 1) != 1) ending.exec_error = errno;
  close(go[1]);
  if (pid > 0) ending.status = Tracer(pid, at_end).RunToEnd();
  int error = 0;
  if (read(failed[0], &error, sizeof(error)) == sizeof(error)) ending.exec_error = error;
  close(failed[0]);
  close(go[0]);
  return ending;
}

}  // namespace mymalloc::command
