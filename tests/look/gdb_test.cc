// The commands for gdb (tools/gdb/mymalloc-gdb.py), of a process that is debugged and of its core
// file.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/command/support.h"
#include "tests/support/library.h"
#include "tests/support/process.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class GdbTest : public testing::Test {
 protected:
  Outcome Gdb(const std::vector<std::string>& commands, const std::vector<std::string>& files) {
    Command command;
    command.arguments = {"gdb", "-nx", "-batch"};
    const std::vector<std::string> first = {"source " + DataFile("tools/gdb/mymalloc-gdb.py"),
                                            "set $mymalloc_command = \"" + CommandPath() + "\"",
                                            "set startup-with-shell off",
                                            "set environment LD_PRELOAD " + LibraryUnderTest()};
    for (const auto* const list : {&first, &commands}) {
      for (const std::string& each : *list) {
        command.arguments.insert(command.arguments.end(), {"-ex", each});
      }
    }
    command.arguments.insert(command.arguments.end(), files.begin(), files.end());
    return RunProgram(command);
  }

  const ScratchDirectory scratch_;
  const std::string program_ = DataFile("tests/look/aborting");
};

TEST_F(GdbTest, AProcessAndItsCore) {
  const std::string core = scratch_.path() + "/core";
  const Outcome live =
      Gdb({"run", "mymalloc find *(char**)&g_text+3 *((void**)&g_shapes+5)", "mymalloc types",
           "mymalloc check", "mymalloc leaks", "generate-core-file " + core},
          {program_});
  if (live.errors.find("ptrace") != std::string::npos) GTEST_SKIP() << live.errors;
  EXPECT_THAT(live.output,
              ContainsRegex(": 3 bytes into the block at 0x[0-9a-f]+ of 104 bytes: live"));
  EXPECT_THAT(live.output, HasSubstr("\"a text in a block\""));
  EXPECT_THAT(live.output, HasSubstr("Circle"));
  EXPECT_THAT(live.output, HasSubstr(": all sound"));
  EXPECT_THAT(live.output, HasSubstr("no leaks among ")) << live.errors;
  const Outcome dead =
      Gdb({"mymalloc find *(char**)&g_text+3", "mymalloc types"}, {program_, core});
  EXPECT_THAT(dead.output,
              ContainsRegex(": 3 bytes into the block at 0x[0-9a-f]+ of 104 bytes: live"));
  EXPECT_THAT(dead.output, ContainsRegex("100 .* class .*Circle"));
}

TEST_F(GdbTest, SaysWhatIsMissing) {
  EXPECT_THAT(Gdb({"mymalloc stats"}, {program_}).errors,
              HasSubstr("there is no process and no core file"));
  EXPECT_THAT(Gdb({"mymalloc find"}, {program_}).errors, HasSubstr("which address?"));
  EXPECT_THAT(
      Gdb({"set $mymalloc_command = \"/no/such\"", "run", "mymalloc stats"}, {program_}).errors,
      HasSubstr("there is no command /no/such"));
}

}  // namespace
}  // namespace mymalloc::test
