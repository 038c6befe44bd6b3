// vfork, posix_spawn, system and popen while other threads allocate.

#include <gtest/gtest.h>
#include <spawn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/support/checked_block.h"
#include "tests/support/child.h"
#include "tests/support/churn.h"

namespace mymalloc::test {
namespace {

constexpr int kTimes = 200;

class SpawnTest : public ::testing::Test {
 protected:
  static void ExpectEndsWell(pid_t child) {
    AwaitChild(child);
    FreeChecked(NewChecked(5000, 1));
  }

  Churn churn_{2};
};

// The child borrows the parent's memory, allocator and all, until it execs.
TEST_F(SpawnTest, Vfork) {
  std::string program = "/bin/true";
  char* const arguments[] = {program.data(), nullptr};
  for (int i = 0; i < kTimes; ++i) {
    const pid_t child = vfork();
    if (child == 0) {
      execv(arguments[0], arguments);
      _exit(127);
    }
    ExpectEndsWell(child);
  }
}

TEST_F(SpawnTest, VforkAndExit) {
  for (int i = 0; i < kTimes; ++i) {
    const pid_t child = vfork();
    if (child == 0) _exit(0);
    ExpectEndsWell(child);
  }
}

TEST_F(SpawnTest, PosixSpawn) {
  std::string program = "/bin/true";
  char* const arguments[] = {program.data(), nullptr};
  for (int i = 0; i < kTimes; ++i) {
    pid_t child = 0;
    ASSERT_EQ(posix_spawn(&child, arguments[0], nullptr, nullptr, arguments, environ), 0);
    ExpectEndsWell(child);
  }
}

TEST_F(SpawnTest, SystemAndPopen) {
  for (int i = 0; i < kTimes / 4; ++i) {
    EXPECT_EQ(system("exit 3"), 3 << 8);
    FILE* pipe = popen("echo word", "r");
    ASSERT_NE(pipe, nullptr);
    char text[16] = {};
    EXPECT_NE(fgets(text, sizeof(text), pipe), nullptr);
    EXPECT_EQ(std::string(text), "word\n");
    EXPECT_EQ(pclose(pipe), 0);
  }
}

}  // namespace
}  // namespace mymalloc::test
