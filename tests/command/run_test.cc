// `mymalloc run`: what the program gets, how it ends, and what is printed of its reports.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "tests/command/support.h"
#include "tests/support/library.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

constexpr char kHeading[] = "mymalloc run: what was reported, with names:\n";

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

class RunTest : public testing::Test {
 protected:
  Outcome Run(std::vector<std::string> arguments, const std::string& input = "",
              std::map<std::string, std::string> environment = {}) const {
    arguments.insert(arguments.begin(), "run");
    Command command = MymallocCommand(arguments, input);
    command.environment = std::move(environment);
    command.environment["TMPDIR"] = scratch_.path();
    return RunProgram(command);
  }
  Outcome Shell(const std::string& script, const std::string& argument = "",
                std::map<std::string, std::string> environment = {}) const {
    return Run({"--", "sh", "-c", script, argument}, "", std::move(environment));
  }

  bool NothingIsLeft() const { return std::filesystem::is_empty(scratch_.path()); }

  ScratchDirectory scratch_;
};

TEST_F(RunTest, TheExitCodeIsTheProgramsOwn) {
  for (const int code : {0, 1, 77, 255}) {
    const Outcome outcome = Shell("exit " + std::to_string(code));
    EXPECT_TRUE(WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == code)
        << outcome.Describe();
    EXPECT_EQ(outcome.errors, "");
  }
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(RunTest, TheSignalIsTheProgramsOwn) {
  for (const int number : {SIGTERM, SIGKILL, SIGABRT, SIGSEGV, SIGINT, SIGHUP, SIGPIPE, SIGUSR1}) {
    const Outcome outcome = Shell("kill -" + std::to_string(number) + " $$");
    EXPECT_TRUE(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == number)
        << number << ": " << outcome.Describe();
  }
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(RunTest, WhatCannotBeRunHasTheCodesOfShells) {
  const struct {
    std::string program;
    int code;
    const char* error;
  } cases[] = {
      {"/no/such/program", 127, "mymalloc run: /no/such/program: No such file or directory\n"},
      {"no-such-program", 127, "mymalloc run: no-such-program: No such file or directory\n"},
      {"/", 126, "mymalloc run: /: Permission denied\n"},
      {ProgramPath("programs/orders.cc"), 126, "orders.cc: Permission denied\n"},
  };
  for (const auto& [program, code, error] : cases) {
    const Outcome outcome = Run({"--", program});
    EXPECT_TRUE(WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == code)
        << outcome.Describe();
    EXPECT_THAT(outcome.errors, EndsWith(error));
  }
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(RunTest, StdinAndTheDirectoryArePassedOn) {
  EXPECT_EQ(Run({"cat"}, "some\ntext").output, "some\ntext");
  Command command = MymallocCommand({"run", "pwd"});
  command.directory = "/usr";
  EXPECT_EQ(RunProgram(command).output, "/usr\n");
}

TEST_F(RunTest, TheLibraryStandsBeforeWhatIsPreloaded) {
  const std::string print = "echo \"$LD_PRELOAD\"";
  const std::string alone = Shell(print).output;
  EXPECT_THAT(alone, MatchesRegex("/.*/libmymalloc.so\n"));
  const Outcome outcome =
      Run({"--", "env", "LD_PRELOAD=libm.so.6", CommandPath(), "run", "--", "sh", "-c", print});
  EXPECT_EQ(outcome.output, alone.substr(0, alone.size() - 1) + ":libm.so.6\n");
}

TEST_F(RunTest, TheLibraryIsReallyThere) {
  EXPECT_THAT(Run({"cat", "/proc/self/maps"}).output, HasSubstr("/libmymalloc.so\n"));
}

TEST_F(RunTest, OptionsAreAddedAndPrevail) {
  const std::string print = "echo \"$MYMALLOC_OPTIONS,$MYMALLOC_HARDEN,$MYMALLOC_DECAY\"";
  EXPECT_EQ(Run({"--", "sh", "-c", print}).output, ",,\n");
  EXPECT_EQ(Run({"--harden", "--sample=50", "--options=decay=1s", "--", "sh", "-c", print}, "",
                {{"MYMALLOC_OPTIONS", "on_error=warn"},
                 {"MYMALLOC_HARDEN", "0"},
                 {"MYMALLOC_DECAY", "2s"}})
                .output,
            "on_error=warn:harden=1:sample=50:decay=1s,,\n");
  EXPECT_EQ(Run({"--no-harden", "--", "sh", "-c", print}, "", {{"MYMALLOC_HARDEN", "1"}}).output,
            ",1,\n");
}

TEST_F(RunTest, ALibraryThatIsNotThereIsAnError) {
  const Outcome outcome = Run({"--library=/no/such.so", "--", "true"});
  EXPECT_EQ(WEXITSTATUS(outcome.status), 125);
  EXPECT_EQ(outcome.errors, "mymalloc run: there is no file /no/such.so\n");
}

TEST_F(RunTest, WithoutALibraryBesideTheCommandTheErrorSaysWhatToDo) {
  const std::string copy = scratch_.path() + "/mymalloc";
  CopyProgram(CommandPath(), copy);
  Command command;
  command.arguments = {copy, "run", "true"};
  const Outcome outcome = RunProgram(command);
  EXPECT_EQ(WEXITSTATUS(outcome.status), 125) << outcome.Describe();
  EXPECT_THAT(outcome.errors, HasSubstr("name it by --library=PATH"));
  CopyProgram(LibraryUnderTest(), scratch_.path() + "/libmymalloc.so");
  EXPECT_TRUE(RunProgram(command).Succeeded());
  std::filesystem::create_directory(scratch_.path() + "/a b");
  CopyProgram(LibraryUnderTest(), scratch_.path() + "/a b/libmymalloc.so");
  command.arguments = {copy, "run", "--library=" + scratch_.path() + "/a b/libmymalloc.so", "true"};
  EXPECT_THAT(RunProgram(command).errors, HasSubstr("with a blank or a colon"));
}

TEST_F(RunTest, ReportsArePrintedOnceMoreWithNames) {
  const Outcome outcome = Run({ProgramPath("orders")});
  EXPECT_TRUE(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGABRT);
  const size_t at = outcome.errors.find(kHeading);
  ASSERT_NE(at, std::string::npos) << outcome.Describe();
  const std::string plain = outcome.errors.substr(0, at);
  EXPECT_THAT(plain, StartsWith("mymalloc["));
  EXPECT_EQ(outcome.errors.substr(at + sizeof(kHeading) - 1),
            RunMymalloc({"symbolize"}, plain).output);
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(RunTest, ReportsAsJson) {
  const Outcome outcome = Run({"--format=json", ProgramPath("orders")});
  const size_t at = outcome.errors.find(kHeading);
  ASSERT_NE(at, std::string::npos) << outcome.Describe();
  EXPECT_EQ(outcome.errors.substr(at + sizeof(kHeading) - 1),
            RunMymalloc({"symbolize", "--format=json"}, outcome.errors.substr(0, at)).output);
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(RunTest, Statistics) {
  const Outcome outcome = Run({"--stats", "--", "echo", "here"});
  EXPECT_EQ(outcome.output, "here\n");
  EXPECT_THAT(outcome.errors, HasSubstr("  live_blocks\n"));
}

TEST_F(RunTest, TheMapOfWhatItHasAsItExits) {
  const std::string map = scratch_.path() + "/map.html";
  const Outcome outcome = Run({"--map", map, "--", "sh", "-c", "echo here; exit 6"});
  EXPECT_TRUE(WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 6) << outcome.Describe();
  EXPECT_EQ(outcome.output, "here\n");
  EXPECT_THAT(outcome.errors, StartsWith(map + ": "));
  const std::string page = ReadFile(map);
  EXPECT_THAT(page, HasSubstr("</html>"));
  // The shell's own, with its process's number.
  EXPECT_THAT(page, HasSubstr(std::filesystem::canonical("/bin/sh").string()));
}

TEST_F(RunTest, NoMapOfWhatASignalEnds) {
  const std::string map = scratch_.path() + "/map.html";
  const Outcome outcome = Run({"--map", map, "--", "sh", "-c", "kill -TERM $$"});
  EXPECT_TRUE(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGTERM);
  EXPECT_EQ(outcome.errors, "mymalloc run: no map: a signal ended the program\n");
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(RunTest, AMapThatCannotBeWrittenIsSaidBeforeTheProgramRuns) {
  const Outcome outcome = Run({"--map=/no/such/map.html", "echo", "here"});
  EXPECT_EQ(WEXITSTATUS(outcome.status), 125);
  EXPECT_EQ(outcome.output, "");
  EXPECT_THAT(outcome.errors, HasSubstr("cannot write /no/such/map.html: No such file"));
}

TEST_F(RunTest, ReportsOfChildrenToo) {
  const Outcome outcome = Shell("\"$0\"; \"$0\"; exit 3", ProgramPath("orders"));
  EXPECT_EQ(WEXITSTATUS(outcome.status), 3) << outcome.Describe();
  EXPECT_EQ(Count(outcome.errors, "orders::Order::Release() at "), 2u);
  EXPECT_EQ(Count(outcome.errors, kHeading), 1u);
}

TEST_F(RunTest, NotWhereNamesAreNotWanted) {
  const Outcome outcome =
      Run({"--no-symbolize", "--", "sh", "-c", "echo \"$MYMALLOC_REPORT_FILE\"; exec \"$0\"",
           ProgramPath("orders")});
  EXPECT_EQ(outcome.output, "\n");
  EXPECT_EQ(Count(outcome.errors, "double free: "), 1u);
}

TEST_F(RunTest, TheUsersOwnReportFileStaysAndOnlyWhatIsNewIsPrinted) {
  const std::string path = scratch_.path() + "/mine";
  const std::map<std::string, std::string> ways[] = {
      {{"MYMALLOC_REPORT_FILE", path}}, {{"MYMALLOC_OPTIONS", "decay=1s:report_file=" + path}}};
  size_t runs = 0;
  for (const auto& environment : ways) {
    const Outcome outcome = Run({ProgramPath("orders")}, "", environment);
    EXPECT_EQ(Count(outcome.errors, "orders::Order::Release() at "), 1u) << outcome.Describe();
    EXPECT_EQ(Count(ReadFile(path), "double free: "), ++runs);
  }
  const Outcome by_pid = Run({ProgramPath("orders")}, "", {{"MYMALLOC_REPORT_FILE", path + ".%p"}});
  EXPECT_EQ(Count(by_pid.errors, "double free: "), 1u);
}

// Whoever is still there when the program has ended is not waited for.
TEST_F(RunTest, ADaemonMayOutliveTheProgram) {
  const auto start = std::chrono::steady_clock::now();
  const Outcome outcome =
      Shell("(sleep 3; \"$0\") >/dev/null 2>&1 & exit 5", ProgramPath("orders"));
  EXPECT_EQ(WEXITSTATUS(outcome.status), 5) << outcome.Describe();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  EXPECT_EQ(outcome.errors, "");
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(RunTest, TheProgramHasTheSignalsOfItsStarter) {
  const std::string ignoring = "env --ignore-signal=CHLD --ignore-signal=HUP ";
  const std::string show = "grep -E '^Sig(Blk|Ign)' /proc/self/status";
  Command command;
  command.arguments = {"sh", "-c",
                       ignoring + show + "; " + ignoring + "\"$0\" run -- " + show + "; " +
                           ignoring + "\"$0\" run --map=\"$1\" -- " + show,
                       CommandPath(), scratch_.path() + "/map.html"};
  const std::vector<std::string> lines = LinesOf(RunProgram(command).output);
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[0], lines[2]);
  EXPECT_EQ(lines[1], lines[3]);
  EXPECT_EQ(lines[0], lines[4]);
  EXPECT_EQ(lines[1], lines[5]);
}

TEST_F(RunTest, WhereEndsOfChildrenAreIgnored) {
  const std::string map = "--map=" + scratch_.path() + "/map.html";
  for (const std::string& flag : {std::string("--symbolize"), map}) {
    Command command;
    command.arguments = {
        "env", "--ignore-signal=CHLD", CommandPath(), "run", flag, "--", "sh", "-c", "exit 9"};
    const Outcome outcome = RunProgram(command);
    EXPECT_TRUE(WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 9)
        << flag << ": " << outcome.Describe();
  }
}

TEST_F(RunTest, WithoutAPlaceForReportsTheProgramStillRuns) {
  Command command = MymallocCommand({"run", "echo", "here"});
  command.environment["TMPDIR"] = "/no/such/directory";
  EXPECT_EQ(RunProgram(command).output, "here\n");
}

}  // namespace
}  // namespace mymalloc::test
