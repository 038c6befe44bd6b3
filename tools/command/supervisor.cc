#include "tools/command/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace mymalloc::command {
namespace {

// What this process itself does wrong, or is asked for by the terminal that it writes to.
constexpr int kOwnSignals[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL, SIGTRAP,
                               SIGSYS,  SIGPIPE, SIGTTIN, SIGTTOU};

sigset_t OthersSignals() {
  sigset_t set;
  sigfillset(&set);
  for (const int signal : kOwnSignals) sigdelset(&set, signal);
  return set;
}

// The signals are taken by sigwaitinfo: a handler could come between a look and a wait.
class SignalsHeld {
 public:
  SignalsHeld() {
    const sigset_t set = OthersSignals();
    sigprocmask(SIG_BLOCK, &set, &mask_before_);
    // Where these are ignored, as their starter may have it, there is no child to wait for.
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &standard, &child_before_);
  }

  // In the child: as if nothing stood between.
  void GiveBack() const {
    sigaction(SIGCHLD, &child_before_, nullptr);
    sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
  }

 private:
  sigset_t mask_before_;
  struct sigaction child_before_;
};

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void Become(const std::vector<char*>& arguments, int errors) {
  execvp(arguments[0], arguments.data());
  const int error = errno;
  if (write(errors, &error, sizeof(error)) < 0) _exit(126);
  _exit(127);
}

class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}

  int WaitForEnd() {
    const sigset_t set = OthersSignals();
    int status = 0;
    while (!HasEnded(&status)) {
      siginfo_t signal;
      const int number = sigwaitinfo(&set, &signal);
      if (number == SIGCHLD) {
        FollowStop();
      } else if (number > 0) {
        Forward(signal);
      }
    }
    return status;
  }

 private:
  bool HasEnded(int* status) const { return waitpid(pid_, status, WNOHANG) == pid_; }

  // Whether job control has stopped it. SIGSTOP is none of the terminal's: who sends it to the
  // child alone would not think of continuing the parent.
  bool IsStopped(int flags) const {
    siginfo_t info = {};
    if (waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WNOHANG | flags) != 0)
      return false;
    return info.si_pid == pid_ &&
           (info.si_status == SIGTSTP || info.si_status == SIGTTIN || info.si_status == SIGTTOU);
  }

  // Stops here, so that the shell sees it, until who continues it continues the child.
  void FollowStop() const {
    if (!IsStopped(WNOWAIT)) return;
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    raise(SIGTSTP);
    // One that has been continued since would wait in vain for its parent to be: the kernel has
    // dropped the signal raised, if the parent was continued after that.
    if (!IsStopped(0)) {
      const timespec no_time = {0, 0};
      sigtimedwait(&stop, nullptr, &no_time);
      return;
    }
    sigprocmask(SIG_UNBLOCK, &stop, nullptr);
    sigprocmask(SIG_BLOCK, &stop, nullptr);
  }

  // What the kernel sends to the terminal's processes the child has got itself.
  void Forward(const siginfo_t& signal) const {
    if (signal.si_code == SI_KERNEL) return;
    if (signal.si_code == SI_QUEUE) {
      sigqueue(pid_, signal.si_signo, signal.si_value);
    } else {
      kill(pid_, signal.si_signo);
    }
  }

  const pid_t pid_;
};

// What the child wrote when it could not become the program; 0 when it did.
int ReadError(int errors) {
  int error = 0;
  ssize_t got;
  do {
    got = read(errors, &error, sizeof(error));
  } while (got < 0 && errno == EINTR);
  return got == sizeof(error) ? error : 0;
}

}  // namespace

Ending RunAndWait(const std::vector<std::string>& arguments) {
  Ending ending;
  const std::vector<char*> pointers = Pointers(arguments);
  int errors[2];
  if (pipe2(errors, O_CLOEXEC) != 0) return {errno, 0};
  const SignalsHeld held;
  const pid_t pid = fork();
  if (pid < 0) return {errno, 0};
  if (pid == 0) {
    held.GiveBack();
    Become(pointers, errors[1]);
  }
  close(errors[1]);
  ending.exec_error = ReadError(errors[0]);
  close(errors[0]);
  ending.status = Child(pid).WaitForEnd();
  return ending;
}

void ReleaseSignals() {
  const sigset_t set = OthersSignals();
  const timespec no_time = {0, 0};
  while (sigtimedwait(&set, nullptr, &no_time) > 0) continue;
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

void EndLike(int status) {
  if (!WIFSIGNALED(status)) _exit(WEXITSTATUS(status));
  const int number = WTERMSIG(status);
  // The child has left a core file, if any is wanted: this process's would take its name.
  const rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
  signal(number, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
  raise(number);
  _exit(128 + number);
}

}  // namespace mymalloc::command
