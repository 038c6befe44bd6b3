// Limits on address space, reached and lived with: malloc says no, in time that is linear, and
// what malloc does not use is there for stacks, threads and libraries. Each case in a process of
// its own (limit_program.cc).

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>

#include "tests/robust/case.h"
#include "tests/support/block.h"
#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

class LimitSetInside : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Case, LimitSetInside,
                         ::testing::Values("kept_100", "kept_3k", "kept_100k", "kept_1m",
                                           "left_100", "left_3k", "left_100k", "left_1m",
                                           "freed_100k", "freed_1m"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST_P(LimitSetInside, HoldsForMallocAndLeavesTheRest) {
  const Outcome outcome = RunProgram(Case("limit_program", GetParam()));
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
}

class PythonLimitSetInside : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Case, PythonLimitSetInside, ::testing::Values("malloc", "pymalloc"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST_P(PythonLimitSetInside, RaisesMemoryErrorAndGoesOn) {
  if (FindProgram("python3").empty()) GTEST_SKIP() << "python3 is not installed";
  Command command = Case("limit_inside.py", "");
  command.arguments = {"python3", DataFile("tests/robust/limit_inside.py")};
  command.environment["PYTHONMALLOC"] = GetParam();
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(outcome.output, "survived\n") << outcome.Describe();
}

// Microseconds that a call takes when it finds only holes that are too short.
double AskAmongHoles(const std::string& name, rlim_t limit_from_outside) {
  Command command = Case("limit_program", name);
  if (limit_from_outside != 0) command.limits = {{RLIMIT_AS, limit_from_outside}};
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  return FigureOf(outcome);
}

// With so many times as many holes, a call must not take so many times as long.
void ExpectNoSearch(double few, double many) {
  EXPECT_LE(many, 2 * few + 50) << "us a call, beside " << few << " with fewer holes";
}

TEST(LimitReached, TimeIsLinearInShortBlocks) {
  const double few = AskAmongHoles("goes_on_40k_512m", 0);
  ExpectNoSearch(few, AskAmongHoles("goes_on_40k_2g", 0));
}

TEST(LimitReached, TimeIsLinearInLongBlocks) {
  const double few = AskAmongHoles("goes_on_1m_4g", 0);
  ExpectNoSearch(few, AskAmongHoles("goes_on_1m_16g", 0));
}

TEST(LimitReached, TimeIsLinearUnderALimitFromOutside) {
  const double few = AskAmongHoles("goes_on_1m_4g", 4096 * kMiB);
  ExpectNoSearch(few, AskAmongHoles("goes_on_1m_64g", 65536 * kMiB));
}

// Limits that leave little, of which no program here needs more than a third for itself. (Larger
// ones: limits_test.cc.)
struct SmallLimit {
  const char* name;
  const char* kind;
  __rlimit_resource_t resource;
  size_t mebibytes;
  const char* least;  // MiB that must be there to be had
};

constexpr SmallLimit kSmallLimits[] = {
    {"AddressSpace64_small", "small", RLIMIT_AS, 64, "24"},
    {"AddressSpace64_large", "large", RLIMIT_AS, 64, "24"},
    {"AddressSpace64_mixed", "mixed", RLIMIT_AS, 64, "24"},
    {"AddressSpace128_mixed", "mixed", RLIMIT_AS, 128, "64"},
    {"Data64_small", "small", RLIMIT_DATA, 64, "32"},
    {"Data64_mixed", "mixed", RLIMIT_DATA, 64, "32"},
};

class LimitFromOutside : public ::testing::TestWithParam<SmallLimit> {};

INSTANTIATE_TEST_SUITE_P(Fill, LimitFromOutside, ::testing::ValuesIn(kSmallLimits),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST_P(LimitFromOutside, MemoryRunsOutAndComesBack) {
  const SmallLimit& limit = GetParam();
  Command command = Case("fill_program", limit.kind);
  command.arguments.push_back(limit.least);
  command.limits = {{limit.resource, limit.mebibytes * kMiB}};
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
}

// Under the least of the limits.
TEST(LeastLimit, ProgramsOfTheSystemRun) {
  for (const char* const program : {"ls -l /usr/bin", "sort /etc/services"}) {
    Command command = Case("", "");
    command.arguments = {"bash", "-c", program};
    command.limits = {{RLIMIT_AS, 64 * kMiB}};
    const Outcome outcome = RunProgram(command);
    EXPECT_TRUE(outcome.Succeeded()) << program << ": " << outcome.Describe();
    EXPECT_GE(outcome.output.size(), 1000u) << program;
  }
}

}  // namespace
}  // namespace mymalloc::test
