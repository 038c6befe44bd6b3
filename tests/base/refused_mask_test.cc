// A sandbox that refuses some or all changes of the signal mask: what was blocked before a message
// stays blocked, and what was not stays so.

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <string>

#include "gtest/gtest.h"
#include "mymalloc/base/printer.h"

namespace mymalloc {
namespace {

constexpr int kRefusedInVain = 3;

// From now on, rt_sigprocmask with this `how` fails with EPERM. False if no filter can be had here.
bool Refuse(int how) {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigprocmask, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(how), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog filter = {static_cast<unsigned short>(std::size(code)), code};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// As the kernel tells it to those who may not ask rt_sigprocmask.
uint64_t BlockedSignals() {
  char text[4096] = {};
  const int file = open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
  const bool is_read = read(file, text, sizeof(text) - 1) > 0;
  close(file);
  const char* const line = is_read ? strstr(text, "SigBlk:") : nullptr;
  if (line == nullptr) abort();
  return strtoull(line + strlen("SigBlk:"), nullptr, 16);
}

// In a child: with `blocked` blocked, prints a message under the filter. Exits with 0 if the mask
// is the same afterwards.
int StatusOfChild(int how, std::initializer_list<int> blocked) {
  const pid_t child = fork();
  if (child == 0) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : blocked) sigaddset(&set, signal);
    sigprocmask(SIG_SETMASK, &set, nullptr);
    if (!Refuse(how)) _exit(kRefusedInVain);
    const uint64_t before = BlockedSignals();
    Printer out;
    out.Text("a message\n").WriteTo(STDERR_FILENO);
    _exit(BlockedSignals() == before && before != 0 ? 0 : 1);
  }
  int status = -1;
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

std::string NameOf(const testing::TestParamInfo<int>& instance) {
  if (instance.param == SIG_BLOCK) return "Block";
  return instance.param == SIG_UNBLOCK ? "Unblock" : "SetMask";
}

class BlockedSignalsTest : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Refused, BlockedSignalsTest,
                         testing::Values(SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK), NameOf);

TEST_P(BlockedSignalsTest, StayBlocked) {
  const int status = StatusOfChild(GetParam(), {SIGUSR1, SIGPIPE, SIGXFSZ, SIGTERM});
  if (status == kRefusedInVain) GTEST_SKIP() << "no seccomp filter can be had here";
  EXPECT_EQ(status, 0);
}

class OtherSignalsTest : public testing::TestWithParam<int> {};

// Where signals can be blocked but not unblocked, two of them stay blocked: not to be helped.
INSTANTIATE_TEST_SUITE_P(Refused, OtherSignalsTest, testing::Values(SIG_BLOCK, SIG_SETMASK),
                         NameOf);

TEST_P(OtherSignalsTest, StayUnblocked) {
  const int status = StatusOfChild(GetParam(), {SIGUSR1});
  if (status == kRefusedInVain) GTEST_SKIP() << "no seccomp filter can be had here";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace mymalloc
