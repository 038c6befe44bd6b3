// A program linked with the prefixed library, which leaves malloc to libc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

Outcome RunHost(std::vector<std::string> arguments) {
  Command command;
  command.arguments = {DataFile("tests/api/prefixed_host")};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  return RunProgram(command);
}

TEST(PrefixedHost, HasBothAllocators) {
  const Outcome outcome = RunHost({});
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(outcome.output, "both work\n");
}

TEST(PrefixedHost, MisuseOfOursIsReported) {
  const Outcome outcome = RunHost({"free one twice"});
  EXPECT_FALSE(outcome.Succeeded());
  EXPECT_THAT(outcome.errors, testing::HasSubstr("double free")) << outcome.Describe();
}

}  // namespace
}  // namespace mymalloc::test
