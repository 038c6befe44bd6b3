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
using ::testing::Not;

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
           "mymalloc heap", "mymalloc check", "mymalloc leaks", "generate-core-file " + core},
          {program_});
  if (live.errors.find("ptrace") != std::string::npos) GTEST_SKIP() << live.errors;
  EXPECT_THAT(live.output,
              ContainsRegex(": 3 bytes into the block at 0x[0-9a-f]+ of 104 bytes: live"));
  EXPECT_THAT(live.output, HasSubstr("\"a text in a block\""));
  EXPECT_THAT(live.output, HasSubstr("Circle"));
  EXPECT_THAT(live.output, HasSubstr("free, perhaps resident"));  // of the heap
  EXPECT_THAT(live.output, HasSubstr(": all sound"));
  EXPECT_THAT(live.output, HasSubstr("no leaks among ")) << live.errors;
  const Outcome dead = Gdb({"mymalloc find *(char**)&g_text+3", "mymalloc heap"}, {program_, core});
  EXPECT_THAT(dead.output,
              ContainsRegex(": 3 bytes into the block at 0x[0-9a-f]+ of 104 bytes: live"));
  EXPECT_THAT(dead.output, ContainsRegex("100 .* class .*Circle"));
  EXPECT_THAT(dead.output, HasSubstr("free, perhaps resident"));
}

// What the types hold, as it is read: of a process that has some of each.
TEST_F(GdbTest, PrintsTheLibrarysTypes) {
  const std::vector<std::string> things = {"g_tag",   "g_free_tag",   "g_run_tag", "g_no_tag",
                                           "g_class", "*g_page",      "*g_heap",   "g_large",
                                           "g_info",  "g_freed_info", "*g_counts", "g_stats"};
  std::vector<std::string> commands = {"unset environment LD_PRELOAD", "run"};
  for (const std::string& thing : things) {
    commands.push_back("echo \\n" + thing + " is:\\n");
    commands.push_back("print " + thing);
  }
  const Outcome outcome = Gdb(commands, {DataFile("tests/look/printed")});
  if (outcome.errors.find("ptrace") != std::string::npos) GTEST_SKIP() << outcome.errors;
  const std::string& said = outcome.output;
  EXPECT_THAT(said, ContainsRegex("g_tag is:.*\n.*live, slot [0-9]+, class 5, heap [0-9]+\n"));
  EXPECT_THAT(said, ContainsRegex("g_free_tag is:\n.*free, slot [0-9]+, class 5, heap [0-9]+\n"));
  EXPECT_THAT(said, ContainsRegex("g_run_tag is:\n.*live, 24 slots from slot [0-9]+ on, class"));
  EXPECT_THAT(said, HasSubstr("no tag of the block: 0x0"));
  EXPECT_THAT(said, ContainsRegex("g_class is:\n[^\n]* = 5\n"));
  // Nine were taken, and no more than a magazine has.
  EXPECT_THAT(said, ContainsRegex("page 0x[0-9a-f]+, class 5, heap [0-9]+: [0-9]+ free of 25[0-9] "
                                  "slots, touched below [0-9]+\n    0 ###########*[.~]"));
  EXPECT_THAT(said, ContainsRegex("  192 ([.~]|#)+\n      # taken"));
  EXPECT_THAT(said, ContainsRegex("heap [0-9]+\n  pages by class: (.*, )?5: 1(, |\n)"));
  EXPECT_THAT(said, ContainsRegex("  blocks at hand by class: (.*, )?5: [0-9]+"));
  EXPECT_THAT(said, HasSubstr("live, 3.0 MiB at 0x10000, 3145728 asked for"));
  EXPECT_THAT(said,
              ContainsRegex("small: 72 bytes at 0x[0-9a-f]+, live, slot [0-9]+ of the page at 0x"));
  EXPECT_THAT(said, ContainsRegex("small: 72 bytes at 0x[0-9a-f]+, cached, slot "));
  EXPECT_THAT(said, HasSubstr("72 B allocated, 72 B freed, 72 B at most"));
  EXPECT_THAT(said, ContainsRegex("live_blocks = 9, live_bytes = \"[0-9.]+ KiB\""));
  EXPECT_THAT(said, Not(HasSubstr("quarantine_bytes")));
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
