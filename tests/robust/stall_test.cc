// Nobody waits because another thread's memory is given back (stall_program.cc).

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "tests/robust/case.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

double Figure(Command command) {
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

// Where the kernel takes less than 0.8 us for a page; elsewhere as long as it takes for those of
// some steps.
TEST_P(Stall, NoMallocOrFreeWaitsForMemoryThatIsGivenBack) {
  constexpr double kMostThousandPages = 2.5;
  const double kernel = Figure(CaseOfSystemMalloc("stall_program", "kernel"));
  EXPECT_LE(Figure(Case("stall_program", GetParam())), std::max(2.0, kMostThousandPages * kernel))
      << "ms for one malloc and free; the kernel takes " << kernel << " us for a page";
}

TEST(ForkStall, ForkHardlyWaitsForAnotherThreadsFrees) {
  const double usual = Figure(CaseOfSystemMalloc("stall_program", "fork"));
  EXPECT_LE(Figure(Case("stall_program", "fork")), 2 * usual + 50) << "ms, beside " << usual;
}

}  // namespace
}  // namespace mymalloc::test
