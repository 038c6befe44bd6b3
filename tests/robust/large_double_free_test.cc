// A large block that is freed twice at a limit is reported like any other: once as the limit is set
// by the program itself, once as it is there from the start (large_double_free_program.cc).

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <string>

#include "tests/robust/case.h"
#include "tests/support/block.h"

namespace mymalloc::test {
namespace {

class LargeDoubleFree : public ::testing::TestWithParam<const char*> {
 protected:
  static void ExpectReport(const Command& command) {
    const Outcome outcome = RunProgram(command);
    EXPECT_TRUE(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGABRT)
        << outcome.Describe();
    EXPECT_NE(outcome.errors.find("double free: free("), std::string::npos) << outcome.Describe();
  }
};

INSTANTIATE_TEST_SUITE_P(Case, LargeDoubleFree,
                         ::testing::Values("own_40k", "other_40k", "own_200k", "other_200k",
                                           "own_2m", "other_2m"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST_P(LargeDoubleFree, IsReportedUnderALimitSetInside) {
  ExpectReport(Case("large_double_free_program", GetParam()));
}

TEST_P(LargeDoubleFree, IsReportedUnderALimitFromOutside) {
  Command command = Case("large_double_free_program", GetParam());
  command.limits = {{RLIMIT_AS, 300 * kMiB}};
  ExpectReport(command);
}

}  // namespace
}  // namespace mymalloc::test
