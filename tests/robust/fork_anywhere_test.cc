// fork and its kin where others stop at nothing: each case in a process of its own
// (fork_anywhere_program.cc), which is killed if it hangs.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <string>

#include "tests/robust/case.h"

namespace mymalloc::test {
namespace {

constexpr std::chrono::seconds kHangs{60};  // A case takes some 6 seconds.

class ForkAnywhere : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Case, ForkAnywhere,
                         ::testing::Values("beside_stdio", "from_a_handler", "clone", "_Fork",
                                           "vfork_5k", "vfork_200k"),
                         [](const auto& instance) { return std::string(instance.param); });

// Memory is given back all the time, so that whatever does it is at work when the fork comes.
TEST_P(ForkAnywhere, ParentAndChildGoOn) {
  Command command = Case("fork_anywhere_program", GetParam());
  command.environment["MYMALLOC_DECAY"] = "1ms";
  command.patience = kHangs;
  const Outcome outcome = RunProgram(command);
  if (WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 77) {
    GTEST_SKIP() << "this libc has no _Fork";
  }
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
}

// In both orders of the two libraries, and so of their handlers.
TEST(EarlyForkHandlers, MayAllocate) {
  for (const bool first : {true, false}) {
    Command command = Case("fork_anywhere_program", "early_handlers");
    const std::string library = DataFile("tests/robust/early_atfork_library.so");
    command.preload.insert(first ? command.preload.begin() : command.preload.end(), library);
    command.patience = kHangs;
    const Outcome outcome = RunProgram(command);
    EXPECT_TRUE(outcome.Succeeded()) << (first ? "first: " : "last: ") << outcome.Describe();
  }
}

}  // namespace
}  // namespace mymalloc::test
