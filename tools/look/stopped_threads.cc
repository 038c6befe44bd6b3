#include "tools/look/stopped_threads.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <set>

#include "absl/strings/str_cat.h"
#include "tools/look/file_bytes.h"

namespace mymalloc::look {
namespace {

static_assert(sizeof(user_regs_struct) == Thread::kWords * sizeof(uint64_t), "all registers");
static_assert(offsetof(user_regs_struct, rsp) == Thread::kStackPointer * sizeof(uint64_t),
              "where the stack pointer is");

std::set<pid_t> ThreadsOf(pid_t pid) {
  std::set<pid_t> threads;
  DIR* const directory = opendir(absl::StrCat("/proc/", pid, "/task").c_str());
  if (directory == nullptr) return threads;
  while (const dirent* entry = readdir(directory)) {
    const pid_t tid = atoi(entry->d_name);
    if (tid > 0) threads.insert(tid);
  }
  closedir(directory);
  return threads;
}

// The first thread of a process may end before the others, and is then still shown.
bool HasEnded(pid_t tid) {
  const int why = errno;
  std::string text;
  ReadWholeFile(absl::StrCat("/proc/", tid, "/stat"), &text);
  errno = why;
  // Behind the name, which may have any character.
  const size_t end = text.rfind(") ");
  return end != std::string::npos && (text[end + 2] == 'Z' || text[end + 2] == 'X');
}

class Tracing : public Target::Stop {
 public:
  ~Tracing() override {
    for (const pid_t tid : stopped_) ptrace(PTRACE_DETACH, tid, nullptr, nullptr);
  }

  // Threads may start others before they are stopped.
  bool StopAll(pid_t pid, std::string* error) {
    for (bool found_new = true; found_new;) {
      found_new = false;
      for (const pid_t tid : ThreadsOf(pid)) {
        if (stopped_.count(tid) != 0 || gone_.count(tid) != 0) continue;
        found_new = true;
        if (!StopOne(tid, error)) return false;
      }
    }
    if (!stopped_.empty()) return true;
    *error = absl::StrCat("process ", pid, " has ended");
    return false;
  }

 private:
  bool StopOne(pid_t tid, std::string* error) {
    if (ptrace(PTRACE_SEIZE, tid, nullptr, nullptr) != 0) {
      if (errno == ESRCH || HasEnded(tid)) return gone_.insert(tid).second;
      *error = absl::StrCat("thread ", tid, " cannot be stopped: ", strerror(errno),
                            errno == EPERM ? "; perhaps a debugger has it, or the capability "
                                             "CAP_SYS_PTRACE or sysctl "
                                             "kernel.yama.ptrace_scope=0 is needed"
                                           : "");
      return false;
    }
    int status = 0;
    const bool stops = ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr) == 0 &&
                       waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status);
    if (!stops) return gone_.insert(tid).second;
    stopped_.insert(tid);
    KeepSignal(tid, status);
    Thread thread;
    if (ReadRegisters(tid, &thread)) threads.push_back(std::move(thread));
    return true;
  }

  // One that was on its way is not lost: the thread gets it when it goes on.
  static void KeepSignal(pid_t tid, int status) {
    if (status >> 16 != 0) return;
    siginfo_t signal;
    if (ptrace(PTRACE_GETSIGINFO, tid, nullptr, &signal) != 0) return;
    ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr);
    ptrace(PTRACE_CONT, tid, nullptr, WSTOPSIG(status));
    int again = 0;
    waitpid(tid, &again, __WALL);
  }

  std::set<pid_t> stopped_;
  std::set<pid_t> gone_;
};

}  // namespace

bool ReadRegisters(pid_t tid, Thread* thread) {
  thread->id = static_cast<uint64_t>(tid);
  if (ptrace(PTRACE_GETREGS, tid, nullptr, thread->words) != 0) return false;
  user_fpregs_struct vectors;
  iovec place = {&vectors, sizeof(vectors)};
  if (ptrace(PTRACE_GETREGSET, tid, NT_PRFPREG, &place) == 0) {
    thread->vectors.resize(Thread::kVectorWords);
    static_assert(sizeof(vectors.xmm_space) == Thread::kVectorWords * sizeof(uint64_t), "all");
    std::memcpy(thread->vectors.data(), vectors.xmm_space, sizeof(vectors.xmm_space));
  }
  return true;
}

std::unique_ptr<Target::Stop> StopThreadsOf(pid_t pid, std::string* error) {
  auto tracing = std::make_unique<Tracing>();
  if (!tracing->StopAll(pid, error)) return nullptr;
  return tracing;
}

}  // namespace mymalloc::look
