// launch REPORT PRELOAD PROGRAM [ARGUMENT...]   runs a program under a preload ("" for none), and
// writes one JSON line to the file REPORT: how it ended, how long it took, what it used.
//
// A process of its own rather than a few lines of Python, because the kernel counts the memory of
// the process that forked into the child's peak: a parent as large as Python would hide it. And the
// time of a short program is not blurred by an interpreter.

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

constexpr int kExitCannotRun = 127;

double Now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double Seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
}

// What is measured must not outlive the harness, however that ends.
void EndWithParent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // It ended before it was asked for.
}

[[noreturn]] void Exec(const char* preload, char** argv) {
  if (*preload != '\0') setenv("LD_PRELOAD", preload, 1);
  execvp(argv[0], argv);
  std::perror(argv[0]);
  _exit(kExitCannotRun);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: launch REPORT PRELOAD PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  EndWithParent(getppid());
  const pid_t self = getpid();
  const double start = Now();
  const pid_t child = fork();
  if (child < 0) {
    std::perror("fork");
    return 1;
  }
  if (child == 0) {
    EndWithParent(self);
    Exec(argv[2], argv + 3);
  }
  int status = 0;
  rusage usage;
  if (wait4(child, &status, 0, &usage) != child) return 1;
  const double seconds = Now() - start;
  std::FILE* report = std::fopen(argv[1], "w");
  if (report == nullptr) return 1;
  std::fprintf(report,
               "{\"exit_code\":%d,\"signal\":%d,\"seconds\":%.9f,\"cpu_seconds\":%.6f,"
               "\"peak_rss\":%ld,\"minor_faults\":%ld,\"major_faults\":%ld}\n",
               WIFEXITED(status) ? WEXITSTATUS(status) : 0,
               WIFSIGNALED(status) ? WTERMSIG(status) : 0, seconds,
               Seconds(usage.ru_utime) + Seconds(usage.ru_stime), usage.ru_maxrss * 1024,
               usage.ru_minflt, usage.ru_majflt);
  return std::fclose(report) == 0 ? 0 : 1;
}
