// Nobody waits because another thread's memory is given back (stall_program.cc).

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/robust/case.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

double Milliseconds(Command command) {
  command.patience = std::chrono::seconds(120);  // The machine may be busy: then it tries again.
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  return FigureOf(outcome);
}

class Stall : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Case, Stall,
                         ::testing::Values("own_64k", "other_64k", "other_5k", "holes_5k",
                                           "holes_100k", "ends_5k", "ends_100k", "trim_5k",
                                           "trim_100k", "itself_100", "itself_5k", "itself_100k",
                                           "itself_3m"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST_P(Stall, NoMallocOrFreeWaitsForMemoryThatIsGivenBack) {
  EXPECT_LE(Milliseconds(Case("stall_program", GetParam())), 2) << "ms for one malloc and free";
}

TEST(ForkStall, ForkHardlyWaitsForAnotherThreadsFrees) {
  const double usual = Milliseconds(CaseOfSystemMalloc("stall_program", "fork"));
  EXPECT_LE(Milliseconds(Case("stall_program", "fork")), 2 * usual + 50) << "ms, beside " << usual;
}

}  // namespace
}  // namespace mymalloc::test
