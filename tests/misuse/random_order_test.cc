// The order in which blocks are handed out in the hardened mode, beginning with a program's first.

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

std::string OrderOf(const std::string& size, const std::string& options) {
  Command command;
  command.arguments = {DataFile("tests/misuse/random_order_program"), size};
  command.preload = {LibraryUnderTest()};
  command.environment["MYMALLOC_OPTIONS"] = options;
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  return outcome.output;
}

// Of fourteen blocks there are so many orders that none comes twice.
TEST(RandomOrderTest, NoTwoRunsHaveTheSame) {
  constexpr size_t kRuns = 6;
  for (const char* size : {"64", "2000", "8000", "30000"}) {
    for (const char* options : {"random_slots=1", "harden=1"}) {
      std::set<std::string> orders;
      for (size_t run = 0; run < kRuns; ++run) orders.insert(OrderOf(size, options));
      EXPECT_EQ(orders.size(), kRuns) << size << " bytes: " << *orders.begin();
    }
  }
}

}  // namespace
}  // namespace mymalloc::test
