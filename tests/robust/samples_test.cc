// What is sampled though nobody asked for it: one in about 100 MiB of allocation
// (samples_program.cc).

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <sstream>
#include <string>

#include "tests/robust/case.h"

namespace mymalloc::test {
namespace {

using ::testing::HasSubstr;

// Two gibibytes: twenty in the mean, and ten at least, as no distance is above 200 MiB.
class SamplesOf : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Case, SamplesOf, ::testing::Values("count", "count_of_threads"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST_P(SamplesOf, AreOneInAHundredMebibytes) {
  for (const char* const options : {"", "harden=1"}) {
    Command command = Case("samples_program", GetParam());
    command.environment["MYMALLOC_OPTIONS"] = options;
    const Outcome outcome = RunProgram(command);
    ASSERT_TRUE(outcome.Succeeded()) << outcome.Describe();
    EXPECT_GE(FigureOf(outcome), 7) << options;
    EXPECT_LE(FigureOf(outcome), 50) << options;
  }
}

TEST_P(SamplesOf, AreNoneWhereTheyAreSwitchedOff) {
  Command command = Case("samples_program", GetParam());
  command.environment["MYMALLOC_SAMPLE"] = "0";
  const Outcome outcome = RunProgram(command);
  ASSERT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(FigureOf(outcome), 0);
}

TEST(SamplesTest, AreNotMoreForLongBlocksThatNoneCanBe) {
  const Outcome outcome = RunProgram(Case("samples_program", "count_beside_long"));
  ASSERT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_LE(FigureOf(outcome), 1);
}

TEST(SamplesTest, AreFewThoughAllStayLive) {
  const Outcome outcome = RunProgram(Case("samples_program", "keep"));
  ASSERT_TRUE(outcome.Succeeded()) << outcome.Describe();
  std::istringstream figures(outcome.output);
  int live = 0;
  int mappings = 0;
  ASSERT_TRUE(figures >> live >> mappings) << outcome.output;
  EXPECT_EQ(live, 16);
  EXPECT_LE(mappings, 2 * live + 4);
}

TEST(SamplesTest, AUseAfterFreeFaultsAndNoHandlerIsInTheWay) {
  const Outcome outcome = RunProgram(Case("samples_program", "use_after_free"));
  EXPECT_TRUE(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGSEGV)
      << outcome.Describe();
  EXPECT_EQ(outcome.errors, "");
}

TEST(SamplesTest, AMisuseIsReportedWithItsHistory) {
  const Outcome outcome = RunProgram(Case("samples_program", "free_twice"));
  EXPECT_TRUE(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGABRT);
  EXPECT_THAT(outcome.errors, HasSubstr("double free: free("));
  EXPECT_THAT(outcome.errors, HasSubstr("  freed by thread "));
  EXPECT_THAT(outcome.errors, HasSubstr("  allocated by thread "));
}

TEST(SamplesTest, AreNoStricterThanOtherBlocks) {
  const Outcome outcome = RunProgram(Case("samples_program", "free_by_habit"));
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(outcome.errors, "");
}

TEST(SamplesTest, AForkedChildGoesOnWithThem) {
  const Outcome outcome = RunProgram(Case("samples_program", "fork"));
  ASSERT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_GE(FigureOf(outcome), 7);
}

}  // namespace
}  // namespace mymalloc::test
