// A system whose pages are not of 4 KiB: the library says so, and nothing else happens.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

TEST(PageSize, IsRefusedAtStartUnlessItIs4096) {
  Command command;
  command.arguments = {"echo", "unreachable"};
  command.preload = {DataFile("tests/robust/page_size_library.so"), LibraryUnderTest()};
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGABRT)
      << outcome.Describe();
  EXPECT_EQ(outcome.output, "");
  EXPECT_NE(outcome.errors.find("this system's page size is not 4096 bytes"), std::string::npos)
      << outcome.errors;
}

// The library above is what makes the difference, not that there is one.
TEST(PageSize, Of4096IsFine) {
  Command command;
  command.arguments = {"echo", "reached"};
  command.preload = {LibraryUnderTest()};
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(outcome.output, "reached\n");
}

}  // namespace
}  // namespace mymalloc::test
