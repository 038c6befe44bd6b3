// privileges_program MODE: uses the heap, and then does what only a process can do that has no
// thread that it does not know of. Exits with 0 if all is well, with 77 where the system does not
// let it try.
//
// MODE  drop            becomes nobody: no thread keeps the user, the group or the capabilities of
// root
//       drop_threaded   the same with threads of its own
//       unshare         enters a user namespace of its own: refused to a process of several threads
//       heap            uses the heap, nothing more
//       heap_denied     the same with what start-up asks the kernel for denied, in a new image

#include <grp.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/daemons/heap_work.h"
#include "tests/daemons/system_call_filter.h"
#include "tests/support/block.h"
#include "tests/support/check.h"

namespace mymalloc::test {
namespace {

constexpr uid_t kNobody = 65534;
constexpr int kCannotTry = 77;
constexpr size_t kThreads = 3;
// More than enough to give back some of it.
constexpr size_t kSome = 32 * kMiB;

struct Task {
  std::string id;
  std::string status;
};

std::vector<Task> Tasks() {
  std::vector<Task> tasks;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(entry.path() / "status");
    std::ostringstream status;
    status << file.rdbuf();
    tasks.push_back({entry.path().filename(), status.str()});
  }
  return tasks;
}

// Whether the line "NAME:" says that value alone, as often as it says any.
bool AllAre(const Task& task, const std::string& name, const std::string& value) {
  const size_t line = task.status.find("\n" + name + ":");
  MYMALLOC_CHECK(line != std::string::npos);
  std::istringstream fields(task.status.substr(line + name.size() + 2));
  std::string fields_of_line;
  std::getline(fields, fields_of_line);
  std::istringstream values(fields_of_line);
  size_t count = 0;
  for (std::string field; values >> field; ++count) {
    if (field != value) return false;
  }
  return count > 0;
}

bool IsNobody(const Task& task) {
  const std::string nobody = std::to_string(kNobody);
  const std::string none(16, '0');
  return AllAre(task, "Uid", nobody) && AllAre(task, "Gid", nobody) &&
         AllAre(task, "CapPrm", none) && AllAre(task, "CapEff", none) &&
         AllAre(task, "CapAmb", none);
}

bool ExpectTasks(size_t count) {
  const std::vector<Task> tasks = Tasks();
  if (tasks.size() == count) return true;
  std::cerr << tasks.size() << " tasks instead of " << count << "\n";
  return false;
}

bool BecomeNobody() {
  return setgroups(0, nullptr) == 0 && setresgid(kNobody, kNobody, kNobody) == 0 &&
         setresuid(kNobody, kNobody, kNobody) == 0;
}

int Drop(size_t threads) {
  if (geteuid() != 0) return kCannotTry;
  std::atomic<size_t> ready{0};
  for (size_t i = 0; i < threads; ++i) {
    std::thread([&ready] {
      Use(kSome);
      ++ready;
      for (;;) pause();
    }).detach();
  }
  Use(kSome);
  while (ready < threads) std::this_thread::yield();
  if (!BecomeNobody()) return kCannotTry;
  bool well = ExpectTasks(1 + threads);
  for (const Task& task : Tasks()) {
    if (IsNobody(task)) continue;
    std::cerr << "task " << task.id << " has kept something:\n" << task.status;
    well = false;
  }
  Use(kSome);
  return well ? EXIT_SUCCESS : EXIT_FAILURE;
}

int Unshare() {
  Use(kSome);
  const bool alone = ExpectTasks(1);
  if (unshare(CLONE_NEWUSER) != 0) {
    perror("unshare");
    return errno == EINVAL ? EXIT_FAILURE : kCannotTry;
  }
  Use(kSome);
  return alone ? EXIT_SUCCESS : EXIT_FAILURE;
}

int UseHeap() {
  UseAllSizes();
  Use(kSome);
  return EXIT_SUCCESS;
}

// Nothing that an allocator may ask the kernel for, and that a program can do without.
int UseHeapWhileDenied() {
  Deny({SYS_prlimit64,      SYS_getrlimit,
        SYS_getrandom,      SYS_membarrier,
        SYS_prctl,          SYS_clone,
        SYS_clone3,         SYS_sched_getaffinity,
        SYS_getcpu,         SYS_sysinfo,
        SYS_clock_gettime,  SYS_gettimeofday,
        SYS_nanosleep,      SYS_clock_nanosleep,
        SYS_rt_sigprocmask, SYS_rt_sigaction,
        SYS_sigaltstack,    SYS_rseq,
        SYS_gettid,         SYS_readlink,
        SYS_mincore},
       SECCOMP_RET_ERRNO | EPERM);
  execl("/proc/self/exe", "privileges_program", "heap", nullptr);
  perror("execl");
  return EXIT_FAILURE;
}

int Run(const std::string& mode) {
  if (mode == "drop") return Drop(0);
  if (mode == "drop_threaded") return Drop(kThreads);
  if (mode == "unshare") return Unshare();
  if (mode == "heap_denied") return UseHeapWhileDenied();
  MYMALLOC_CHECK(mode == "heap");
  return UseHeap();
}

}  // namespace
}  // namespace mymalloc::test

int main(int argc, char** argv) {
  MYMALLOC_CHECK(argc == 2);
  return mymalloc::test::Run(argv[1]);
}
