// Each process has a secret of its own: the same block at the same address has another tag.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <sstream>
#include <string>

#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

constexpr int kNotAllowed = 77;

struct Seen {
  std::string address;
  std::string tag;
  int exit_code;
};

Seen RunOnce() {
  Command command;
  command.arguments = {DataFile("tests/preload/secret_program")};
  command.preload = {LibraryUnderTest()};
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(!outcome.timed_out && WIFEXITED(outcome.status)) << outcome.Describe();
  Seen seen{"", "", WEXITSTATUS(outcome.status)};
  std::istringstream(outcome.output) >> seen.address >> seen.tag;
  return seen;
}

TEST(Secret, IsAnotherInEachProcess) {
  const Seen first = RunOnce();
  if (first.exit_code == kNotAllowed) GTEST_SKIP() << "personality() is not allowed here";
  ASSERT_EQ(first.exit_code, 0);
  ASSERT_EQ(first.tag.size(), 16u);
  for (int i = 0; i < 5; ++i) {
    const Seen next = RunOnce();
    ASSERT_EQ(next.exit_code, 0);
    if (next.address != first.address) {
      GTEST_SKIP() << "addresses differ though they are not random: " << first.address << " and "
                   << next.address;
    }
    EXPECT_NE(next.tag, first.tag);
  }
}

}  // namespace
}  // namespace mymalloc::test
