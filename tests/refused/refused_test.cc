// For each memory call that a program's allocations make, and for each kind of call: what if it
// fails, alone, or with those that follow?

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <map>
#include <string>
#include <tuple>

#include "tests/refused/memory_calls.h"
#include "tests/support/block.h"
#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

constexpr char kAllCalls[] = ",map,reserve,commit,protect,seal,unmap,purge,remap,";

// How many calls fail together: one; a few; all from there to the end of the work.
constexpr uint64_t kCounts[] = {1, 7, 1000000};
// Between the first calls that are tried, where every one would take too long.
constexpr uint64_t kStride = 5;

struct Mode {
  const char* name;
  std::map<std::string, std::string> environment;
  std::vector<Limit> limits;
  uint64_t most_firsts = ~uint64_t{0};  // calls that are tried, where every one would take too long
};

const Mode kModes[] = {
    {"plain", {}, {}, 90},
    // The same calls, looked at more closely.
    {"checked", {{"MYMALLOC_CHECKED", "1"}}, {}, 50},
    // Far away, but a limit: address space is scarce then, and is used in another way.
    {"limited", {}, {{RLIMIT_AS, 4095 * kMiB}}, 60},
    // Passes of the janitor come between: the n-th call is not always the same.
    {"janitor", {{"MYMALLOC_DECAY", "2ms"}}, {}, 50},
    {"hardened", {{"MYMALLOC_HARDEN", "1"}}, {}, 40},
    {"sampled", {{"MYMALLOC_SAMPLE", "3"}}, {}, 40},
};
const Mode& kHardened = kModes[4];
const Mode& kSampled = kModes[5];

using Parameter = std::tuple<Mode, std::string>;

class FaultTest : public ::testing::TestWithParam<Parameter> {
 protected:
  static Outcome Run(uint64_t first, uint64_t count) {
    const auto& [mode, calls] = GetParam();
    Command command;
    command.arguments = {DataFile("tests/refused/refused_program")};
    command.environment = mode.environment;
    command.environment[kFaultCalls] = calls;
    command.environment[kFaultFirst] = std::to_string(first);
    command.environment[kFaultCount] = std::to_string(count);
    command.limits = mode.limits;
    return RunProgram(command);
  }
};

std::string NameOf(const ::testing::TestParamInfo<Parameter>& instance) {
  const auto& [mode, calls] = instance.param;
  return std::string(mode.name) + "_" +
         (calls == kAllCalls ? "all" : calls.substr(1, calls.size() - 2));
}

// The n-th call of all kinds alone is the n-th of its own kind alone, too.
const std::string kKinds[] = {",map,", ",reserve,", ",commit,", ",unmap,", ",purge,", ",remap,"};

INSTANTIATE_TEST_SUITE_P(All, FaultTest,
                         ::testing::Combine(::testing::ValuesIn(kModes),
                                            ::testing::Values(std::string(kAllCalls))),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Kinds, FaultTest,
                         ::testing::Combine(::testing::Values(kModes[0]),
                                            ::testing::ValuesIn(kKinds)),
                         NameOf);

INSTANTIATE_TEST_SUITE_P(HardenedKinds, FaultTest,
                         ::testing::Combine(::testing::Values(kHardened),
                                            ::testing::Values(",protect,", ",seal,", ",commit,")),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(SampledKinds, FaultTest,
                         ::testing::Combine(::testing::Values(kSampled),
                                            ::testing::Values(",seal,", ",commit,")),
                         NameOf);

TEST_P(FaultTest, EachCallMayFail) {
  const Outcome sound = Run(0, 0);
  ASSERT_TRUE(sound.Succeeded()) << sound.Describe();
  const uint64_t calls = strtoull(sound.output.c_str(), nullptr, 10);
  RecordProperty("calls", std::to_string(calls));
  // Odd, so that calls which come in pairs are both tried.
  const uint64_t step = calls / std::get<Mode>(GetParam()).most_firsts | 1;
  for (const uint64_t count : kCounts) {
    const uint64_t stride = count == 1 ? step : step * kStride;
    for (uint64_t first = 1; first <= calls && !HasFailure(); first += stride) {
      const Outcome outcome = Run(first, count);
      EXPECT_TRUE(outcome.Succeeded())
          << "call " << first << " of " << calls << " and those after it, " << count
          << " in all: " << outcome.Describe();
    }
  }
}

}  // namespace
}  // namespace mymalloc::test
