// What was freed goes back to the system also where its owner cannot do it: it has ended, or
// sleeps. Each case in a process of its own (memory_falls_program.cc).

#include <gtest/gtest.h>

#include <string>

#include "tests/robust/case.h"

namespace mymalloc::test {
namespace {

class MemoryFalls : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Case, MemoryFalls,
                         ::testing::Values("threads", "exited_256", "exited_5k", "exited_200k",
                                           "idle_256", "idle_5k", "idle_200k"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST_P(MemoryFalls, WithoutACallAndAfterOne) {
  const Outcome outcome = RunProgram(Case("memory_falls_program", GetParam()));
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
}

}  // namespace
}  // namespace mymalloc::test
