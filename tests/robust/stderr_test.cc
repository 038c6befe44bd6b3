// The library has something to say, and nobody reads it: that changes nothing of how a program
// ends.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/support/block.h"
#include "tests/support/check.h"

namespace mymalloc::test {
namespace {

// How a child ends whose stderr is a pipe without a reader.
int StatusOfUnheardChild(void (*work)()) {
  const pid_t child = fork();
  if (child == 0) {
    int ends[2];
    MYMALLOC_CHECK(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    close(ends[0]);
    signal(SIGPIPE, SIG_DFL);
    work();
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

void FreeTwice() {
  void* const block = malloc(40);
  free(block);
  free(Opaque(block));
}

TEST(Stderr, AReportThatNobodyReadsEndsInAbort) {
  const int status = StatusOfUnheardChild(FreeTwice);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) << "status " << status;
}

TEST(Stderr, AWarningThatNobodyReadsEndsNothing) {
  EXPECT_EQ(StatusOfUnheardChild([] {
              setenv("MYMALLOC_OPTIONS", "no_such_option=1", 1);
              execl("/bin/true", "true", nullptr);
              _exit(1);
            }),
            0);
}

}  // namespace
}  // namespace mymalloc::test
