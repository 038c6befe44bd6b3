#include "tests/support/child.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/support/check.h"

namespace mymalloc::test {
namespace {

constexpr int kPatienceMilliseconds = 30000;

}  // namespace

void AwaitChild(pid_t child) {
  MYMALLOC_CHECK(child > 0);
  pollfd ended = {static_cast<int>(syscall(SYS_pidfd_open, child, 0)), POLLIN, 0};
  MYMALLOC_CHECK(ended.fd >= 0);
  const bool in_time = poll(&ended, 1, kPatienceMilliseconds) == 1;
  close(ended.fd);
  if (!in_time) kill(child, SIGKILL);
  int status = -1;
  MYMALLOC_CHECK(waitpid(child, &status, 0) == child);
  MYMALLOC_CHECK(in_time && "the child hung");
  MYMALLOC_CHECK(status == 0);
}

}  // namespace mymalloc::test
