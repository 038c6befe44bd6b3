// A process may have written over its heap in any way: the command says that, and ends, and reads
// within its bounds.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <string>

#include "tests/command/support.h"
#include "tests/look/running_program.h"

namespace mymalloc::test {
namespace {

constexpr int kSeeds = 100;

TEST(VandalTest, IsToldAndSurvived) {
  const std::vector<std::vector<std::string>> readers = {
      {"stats"}, {"check"}, {"types"}, {"map", "--format=json"}, {"find", "--referrers"},
      {"leaks"}};
  int told = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const std::map<std::string, std::string> hardened = {{"MYMALLOC_HARDEN", "1"}};
    const RunningProgram vandal({"vandal", std::to_string(seed), std::to_string(seed / 3 % 4)},
                                seed % 3 == 0 ? hardened : decltype(hardened)());
    ASSERT_TRUE(vandal.is_ready()) << seed;
    for (std::vector<std::string> arguments : readers) {
      arguments.push_back(vandal.name());
      if (arguments[0] == "find") arguments.emplace_back("7f0000000000");
      const Outcome outcome = RunMymalloc(arguments);
      ASSERT_TRUE(WIFEXITED(outcome.status) && !outcome.timed_out)
          << seed << " " << arguments[0] << ": " << outcome.Describe();
      const bool complains = outcome.errors.find("metadata is damaged") != std::string::npos;
      told += complains ? 1 : 0;
      if (WEXITSTATUS(outcome.status) == 1) {
        EXPECT_TRUE(complains) << seed << " " << arguments[0] << ": " << outcome.errors;
      }
    }
  }
  EXPECT_GT(told, kSeeds * 3);
}

}  // namespace
}  // namespace mymalloc::test
