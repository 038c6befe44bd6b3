// How long malloc and free are when they need not wait for anything: instructions of one call of
// the exported function, its own, from callgrind, which counts repeatably. Growth is caught here.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/library.h"
#include "tests/support/process.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

// As the comment at the head of mymalloc/front/front.h says.
constexpr double kMallocInstructions = 24;
constexpr double kFreeInstructions = 49;

// By function of the library: instructions of its own, without those of what it calls.
using Costs = std::map<std::string, double>;

bool TakePrefix(const std::string& line, const std::string& prefix, std::string* rest) {
  if (line.compare(0, prefix.size(), prefix) != 0) return false;
  *rest = line.substr(prefix.size());
  return true;
}

// Callgrind's format: lines of costs ("<line> <instructions>") follow the function they are of; the
// one after "calls=" is of the function called.
Costs ReadCosts(const std::string& file, const std::string& library) {
  Costs costs;
  std::ifstream input(file);
  std::string line;
  std::string text;
  std::string object;
  std::string function;
  while (std::getline(input, line)) {
    if (TakePrefix(line, "ob=", &object) || TakePrefix(line, "fn=", &function)) continue;
    if (TakePrefix(line, "calls=", &text)) {
      std::getline(input, line);
    } else if (!line.empty() && line[0] >= '0' && line[0] <= '9' && object == library) {
      costs[function] += std::strtod(line.c_str() + line.find(' '), nullptr);
    }
  }
  return costs;
}

class InstructionCountTest : public testing::Test {
 protected:
  void SetUp() override {
    if (FindProgram("valgrind").empty()) GTEST_SKIP() << "valgrind is not installed";
  }

  Costs Measure(long pairs) {
    const std::string file = directory_.path() + "/callgrind.out";
    Command command;
    command.arguments = {"valgrind",
                         "--tool=callgrind",
                         "--compress-strings=no",
                         "--compress-pos=no",
                         "--callgrind-out-file=" + file,
                         DataFile("tests/front/pairs_program"),
                         std::to_string(pairs)};
    command.preload = {LibraryUnderTest()};
    const Outcome outcome = RunProgram(command);
    EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
    return ReadCosts(file, std::filesystem::canonical(LibraryUnderTest()));
  }

  ScratchDirectory directory_;
};

TEST_F(InstructionCountTest, TheFastPathsStayShort) {
  constexpr long kFew = 1000;
  constexpr long kMany = 101000;
  Costs few = Measure(kFew);
  Costs many = Measure(kMany);
  // What is done once, at the start and while the magazine grows, is in both.
  const auto per_call = [&](const char* function) {
    return (many[function] - few[function]) / (kMany - kFew);
  };
  RecordProperty("malloc", std::to_string(per_call("malloc")));
  RecordProperty("free", std::to_string(per_call("free")));
  // A short way is not so short: nothing was measured.
  ASSERT_GT(per_call("malloc"), 5);
  ASSERT_GT(per_call("free"), 5);
  EXPECT_LE(per_call("malloc"), kMallocInstructions);
  EXPECT_LE(per_call("free"), kFreeInstructions);
  // Nothing else of the library runs for each pair.
  for (const auto& [function, cost] : many) {
    if (function == "malloc" || function == "free") continue;
    EXPECT_LT(cost - few[function], 0.1 * (kMany - kFew)) << function;
  }
}

}  // namespace
}  // namespace mymalloc::test
