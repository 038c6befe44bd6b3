// Real out-of-memory, under `ulimit -v` and `ulimit -d`. The latter bounds the writable private
// memory as strict overcommit does, but for one process.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>
#include <tuple>

#include "tests/support/block.h"
#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

// Half of a limit must be there to be had: the rest is for tags, rounding, the program, and where
// threads fill it their stacks and a page of each size class in each of their heaps.
constexpr rlim_t kAddressSpaceLimit = 320 * kMiB;
constexpr rlim_t kDataLimit = 192 * kMiB;

constexpr rlim_t LimitOf(__rlimit_resource_t resource) {
  return resource == RLIMIT_AS ? kAddressSpaceLimit : kDataLimit;
}

std::string LeastMiB(__rlimit_resource_t resource) {
  return std::to_string(LimitOf(resource) / kMiB / 2);
}

Command UnderLimit(__rlimit_resource_t resource) {
  Command command;
  if (!LibraryUnderTest().empty()) command.preload = {LibraryUnderTest()};
  command.limits = {{resource, LimitOf(resource)}};
  command.environment = OwnOptions();
  return command;
}

using Parameter = std::tuple<__rlimit_resource_t, const char*>;

std::string NameOf(const ::testing::TestParamInfo<Parameter>& instance) {
  const auto& [resource, kind] = instance.param;
  return std::string(resource == RLIMIT_AS ? "AddressSpace_" : "Data_") + kind;
}

class LimitsTest : public ::testing::TestWithParam<Parameter> {};

INSTANTIATE_TEST_SUITE_P(Fill, LimitsTest,
                         ::testing::Combine(::testing::Values(RLIMIT_AS, RLIMIT_DATA),
                                            ::testing::Values("small", "medium", "large", "mixed",
                                                              "aligned", "zeroed", "resized", "new",
                                                              "threads", "turns", "children")),
                         NameOf);

TEST_P(LimitsTest, MemoryRunsOutAndComesBack) {
  const auto& [resource, kind] = GetParam();
  Command command = UnderLimit(resource);
  command.arguments = {DataFile("tests/robust/fill_program"), kind, LeastMiB(resource)};
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
}

class PythonLimitsTest : public ::testing::TestWithParam<__rlimit_resource_t> {};

INSTANTIATE_TEST_SUITE_P(Python, PythonLimitsTest, ::testing::Values(RLIMIT_AS, RLIMIT_DATA));

TEST_P(PythonLimitsTest, MemoryErrorIsRaisedAndSurvived) {
  if (FindProgram("python3").empty()) GTEST_SKIP() << "python3 is not installed";
  Command command = UnderLimit(GetParam());
  command.arguments = {"python3", DataFile("tests/robust/fill.py"), LeastMiB(GetParam())};
  command.environment["PYTHONMALLOC"] = "malloc";
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(outcome.output, "survived\n") << outcome.Describe();
}

}  // namespace
}  // namespace mymalloc::test
