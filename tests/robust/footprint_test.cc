// What a program takes beside its memory: address space, mappings, a core file. Each case in a
// process of its own (footprint_program.cc), and beside the same under the system's malloc.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "tests/robust/case.h"
#include "tests/support/block.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

double FigureOfProgram(const Command& command) {
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  const double figure = FigureOf(outcome);
  EXPECT_GT(figure, 0);
  return figure / kMiB;
}

double Mebibytes(const char* name) { return FigureOfProgram(Case("footprint_program", name)); }

double MebibytesOfSystemMalloc(const char* name) {
  return FigureOfProgram(CaseOfSystemMalloc("footprint_program", name));
}

class VirtualSize : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Case, VirtualSize,
                         ::testing::Values("virtual_start", "virtual_100m", "virtual_threads",
                                           "virtual_300", "virtual_4200", "virtual_17k",
                                           "virtual_40k", "virtual_270k", "virtual_600k",
                                           "virtual_2m", "virtual_9m", "virtual_17m"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST_P(VirtualSize, IsNearThatUnderTheSystemsMalloc) {
  const double usual = MebibytesOfSystemMalloc(GetParam());
  EXPECT_LE(Mebibytes(GetParam()), 64 + 1.12 * usual) << "MiB, beside " << usual;
}

class Mappings : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Case, Mappings, ::testing::Values("holes_40k", "holes_64k"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST_P(Mappings, AreFewWhateverIsFreed) {
  const Outcome outcome = RunProgram(Case("footprint_program", GetParam()));
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
}

TEST(CoreFile, IsHardlyLargerThanWhatIsLive) {
  if (FindProgram("gcore").empty()) GTEST_SKIP() << "gcore is not installed";
  Command usual = CaseOfSystemMalloc("footprint_program", "core");
  if (!RunProgram(usual).Succeeded()) GTEST_SKIP() << "gcore may not attach to a process here";
  constexpr double kLive = 50;
  const double other = FigureOfProgram(usual);
  Command command = Case("footprint_program", "core");
  command.limits = {
      {RLIMIT_FSIZE, 512 * kMiB}};  // A reservation as a whole is no core to wait for.
  EXPECT_LT(FigureOfProgram(command), kLive + 32 + other) << "MiB, beside " << other;
}

TEST(CoreFile, HasHardlyMoreThanWhatIsResident) {
  if (FindProgram("gcore").empty()) GTEST_SKIP() << "gcore is not installed";
  if (!RunProgram(CaseOfSystemMalloc("footprint_program", "core")).Succeeded()) {
    GTEST_SKIP() << "gcore may not attach to a process here";
  }
  EXPECT_LT(Mebibytes("core_after_frees"), 32);
}

TEST(LockedMemory, CanBeHadAndReused) {
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
  if (geteuid() != 0 && limit.rlim_cur < 512 * kMiB) GTEST_SKIP() << "not so much may be locked";
  const Outcome outcome = RunProgram(Case("footprint_program", "locked"));
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
}

}  // namespace
}  // namespace mymalloc::test
