// What all subcommands share: help, errors in the command line, exit codes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "tests/command/support.h"

namespace mymalloc::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

int ExitCodeOf(const Outcome& outcome) {
  return WIFEXITED(outcome.status) ? WEXITSTATUS(outcome.status) : -1;
}

TEST(CommandTest, HelpListsTheSubcommands) {
  for (const char* const help : {"--help", "-h", "help"}) {
    const Outcome outcome = RunMymalloc({help});
    EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
    EXPECT_THAT(outcome.output, AllOf(HasSubstr("\n  run "), HasSubstr("\n  symbolize ")));
    EXPECT_EQ(outcome.errors, "");
  }
}

TEST(CommandTest, WithoutASubcommandTheHelpIsAnError) {
  const Outcome outcome = RunMymalloc({});
  EXPECT_EQ(ExitCodeOf(outcome), 2);
  EXPECT_EQ(outcome.output, "");
  EXPECT_THAT(outcome.errors, HasSubstr("usage: mymalloc SUBCOMMAND"));
}

TEST(CommandTest, AnUnknownSubcommandIsToldWhereToLook) {
  const Outcome outcome = RunMymalloc({"symbolise"});
  EXPECT_EQ(ExitCodeOf(outcome), 2);
  EXPECT_EQ(outcome.errors,
            "mymalloc: there is no subcommand \"symbolise\"; mymalloc --help lists them\n");
}

TEST(CommandTest, EachSubcommandHasHelpWithItsFlagsAndExitCodes) {
  const Outcome symbolize = RunMymalloc({"symbolize", "--help"});
  EXPECT_TRUE(symbolize.Succeeded());
  EXPECT_THAT(symbolize.output,
              AllOf(HasSubstr("usage: mymalloc symbolize [FLAG...] [FILE...]\n"),
                    HasSubstr("\n  --format=..."), HasSubstr("\n  --debug-dir=..."),
                    HasSubstr("\nExit codes: 0; 1: ")));
  const Outcome run = RunMymalloc({"run", "--harden", "--help"});
  EXPECT_TRUE(run.Succeeded());
  EXPECT_THAT(run.output, AllOf(HasSubstr("usage: mymalloc run [FLAG...] [--] PROGRAM"),
                                HasSubstr("\n  --[no-]harden"), HasSubstr("\nExit codes: ")));
}

TEST(CommandTest, AllSubcommandsHaveHelpAFormatAndExitCodes) {
  int subcommands = 0;
  for (const std::string& line : LinesOf(RunMymalloc({"--help"}).output)) {
    if (line.rfind("  ", 0) != 0) continue;
    const std::string name = line.substr(2, line.find(' ', 2) - 2);
    const Outcome outcome = RunMymalloc({name, "--help"});
    EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
    EXPECT_THAT(outcome.output, AllOf(HasSubstr("usage: mymalloc " + name + " [FLAG...] "),
                                      HasSubstr("\n  --format=...\n      text, or json"),
                                      HasSubstr("\nExit codes: ")));
    ++subcommands;
  }
  EXPECT_EQ(subcommands, 12);
}

TEST(CommandTest, HelpOfTheProgramThatIsRunIsItsOwn) {
  EXPECT_EQ(RunMymalloc({"run", "echo", "-n", "--help"}).output, "--help");
  EXPECT_EQ(RunMymalloc({"run", "--", "echo", "-n", "--help"}).output, "--help");
}

TEST(CommandTest, ABadFlagIsNamed) {
  const struct {
    std::vector<std::string> arguments;
    int code;
    const char* error;
  } cases[] = {
      {{"symbolize", "--formal=json"}, 2, "there is no flag --formal; mymalloc symbolize --help"},
      {{"symbolize", "-f"}, 2, "there is no flag -f;"},
      {{"symbolize", "--format=xml"}, 2, "--format: bad value \"xml\"; it is: text, or json"},
      {{"symbolize", "--format"}, 2, "--format needs a value"},
      {{"symbolize", "--debug-dir=/usr,/no/such"},
       2,
       "--debug-dir: there is no directory /no/such"},
      {{"symbolize", "--no-format"}, 2, "there is no flag --no-format"},
      // Another subcommand's.
      {{"symbolize", "--harden"}, 2, "there is no flag --harden"},
      {{"run", "--limit=3", "true"}, 125, "there is no flag --limit"},
      {{"run", "--sample=often", "true"}, 125, "--sample: bad value \"often\""},
      {{"run", "--harden=maybe", "true"}, 125, "--harden: bad value \"maybe\""},
      {{"run"}, 125, "which program? usage: "},
      {{"run", "--"}, 125, "which program? usage: "},
  };
  for (const auto& [arguments, code, error] : cases) {
    const Outcome outcome = RunMymalloc(arguments);
    EXPECT_EQ(ExitCodeOf(outcome), code) << outcome.Describe();
    EXPECT_THAT(outcome.errors, HasSubstr("mymalloc " + arguments[0] + ": " + error));
    EXPECT_EQ(outcome.output, "");
  }
}

TEST(CommandTest, OutputThatCannotBeWrittenIsAnError) {
  Command command;
  command.arguments = {"sh", "-c", "\"$0\" symbolize >/dev/full", CommandPath()};
  command.input = "text\n";
  const Outcome outcome = RunProgram(command);
  EXPECT_EQ(ExitCodeOf(outcome), 1) << outcome.Describe();
  EXPECT_THAT(outcome.errors, HasSubstr("No space left"));
}

}  // namespace
}  // namespace mymalloc::test
