// The probes that tracers find in the library (mymalloc/base/probe.h): gdb reads the same notes as
// bpftrace and perf, and stops at them with their arguments.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

Outcome RunGdb(const std::vector<std::string>& commands, const std::string& file,
               const std::vector<std::string>& arguments = {}) {
  Command command;
  command.arguments = {"gdb", "-nx", "-batch"};
  for (const std::string& each : commands) {
    command.arguments.insert(command.arguments.end(), {"-ex", each});
  }
  command.arguments.insert(command.arguments.end(), {"--args", file});
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  return RunProgram(command);
}

TEST(Probes, AreListed) {
  const Outcome outcome = RunGdb({"info probes stap mymalloc"}, LibraryUnderTest());
  ASSERT_TRUE(outcome.Succeeded()) << outcome.Describe();
  for (const char* name : {"slow_alloc", "slow_free", "grow", "purge", "misuse"}) {
    EXPECT_THAT(outcome.output, testing::ContainsRegex("mymalloc " + std::string(name) + " "));
  }
}

// The program frees a block twice: the probe comes with the kind of misuse and the address that the
// report then names.
TEST(Probes, OfAMisuseHasItsArguments) {
  const Outcome outcome = RunGdb(
      {"set startup-with-shell off", "set breakpoint pending on",
       "set environment LD_PRELOAD " + LibraryUnderTest(), "break -probe-stap mymalloc:misuse",
       "run", "printf \"probe: %d %#lx\\n\", $_probe_arg0, $_probe_arg1", "delete", "continue"},
      DataFile("tests/misuse/double_free_program"), {"small_at_once"});
  if (outcome.errors.find("ptrace") != std::string::npos) GTEST_SKIP() << outcome.errors;
  const size_t at = outcome.output.find("probe: 0 0x");
  ASSERT_NE(at, std::string::npos) << outcome.Describe() << outcome.output;
  const std::string address = outcome.output.substr(at + 9, outcome.output.find('\n', at) - at - 9);
  EXPECT_THAT(outcome.output + outcome.errors, testing::HasSubstr("double free: free(" + address));
}

}  // namespace
}  // namespace mymalloc::test
