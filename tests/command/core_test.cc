// Core files: the last report of a process that is dead, or of one that gcore has looked into.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/command/support.h"
#include "tests/support/library.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

using ::testing::HasSubstr;

// The only file that the pattern's name begins; empty if there is none.
std::string CoreIn(const std::string& directory) {
  std::string core;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename();
    if (name.rfind("core", 0) == 0) core = entry.path();
  }
  return core;
}

// Whether the kernel writes core files where the process runs, and lets this one ask for them.
std::string WhyNoCores() {
  const std::string pattern = ReadFile("/proc/sys/kernel/core_pattern");
  if (pattern.rfind("core", 0) != 0) return "the system has core files elsewhere: " + pattern;
  rlimit limit;
  getrlimit(RLIMIT_CORE, &limit);
  const bool allowed = limit.rlim_max == RLIM_INFINITY || geteuid() == 0;
  return allowed ? "" : "core files are limited: ulimit -Hc";
}

Command WithCores(Command command, const std::string& directory) {
  command.directory = directory;
  command.limits = {{RLIMIT_CORE, RLIM_INFINITY}};
  return command;
}

// The report that it made, apart from the frames: with names and as it was.
void ExpectReportIn(const std::string& core, const std::string& report) {
  const Outcome outcome = RunMymalloc({"symbolize", core});
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(outcome.output, RunMymalloc({"symbolize"}, report).output);
  EXPECT_THAT(outcome.output, HasSubstr("orders::Order::Release() at "));
}

TEST(CoreTest, TheKernelsCoreFileHasTheReport) {
  const std::string reason = WhyNoCores();
  if (!reason.empty()) GTEST_SKIP() << reason;
  const ScratchDirectory scratch;
  Command command;
  command.arguments = {ProgramPath("orders")};
  command.preload = {LibraryUnderTest()};
  const Outcome outcome = RunProgram(WithCores(command, scratch.path()));
  const std::string core = CoreIn(scratch.path());
  ASSERT_NE(core, "") << outcome.Describe();
  ExpectReportIn(core, outcome.errors);
}

// The command that runs the program dies of the same signal, without a core file of its own.
TEST(CoreTest, UnderRunItIsTheProgramsCoreFile) {
  const std::string reason = WhyNoCores();
  if (!reason.empty()) GTEST_SKIP() << reason;
  const ScratchDirectory scratch;
  const Command command = MymallocCommand({"run", "--no-symbolize", ProgramPath("orders")});
  const Outcome outcome = RunProgram(WithCores(command, scratch.path()));
  EXPECT_TRUE(WIFSIGNALED(outcome.status)) << outcome.Describe();
  EXPECT_FALSE(WCOREDUMP(outcome.status));
  ASSERT_NE(CoreIn(scratch.path()), "");
  ExpectReportIn(CoreIn(scratch.path()), outcome.errors);
}

// A program that made a report and went on, until its stdin ends.
class WaitingProgram {
 public:
  explicit WaitingProgram(bool misuses) {
    if (pipe2(input_, O_CLOEXEC) != 0 || pipe2(output_, O_CLOEXEC) != 0 ||
        pipe2(errors_, O_CLOEXEC) != 0) {
      return;
    }
    const std::string preload = "LD_PRELOAD=" + LibraryUnderTest();
    const std::string option = "MYMALLOC_ON_ERROR=warn";
    const std::string program = misuses ? ProgramPath("orders") : "/bin/cat";
    pid_ = fork();
    if (pid_ == 0) {
      dup2(input_[0], STDIN_FILENO);
      dup2(output_[1], STDOUT_FILENO);
      dup2(errors_[1], STDERR_FILENO);
      execl("/usr/bin/env", "env", preload.c_str(), option.c_str(), program.c_str(),
            misuses ? "wait" : nullptr, nullptr);
      _exit(127);
    }
    char byte = 0;
    if (!misuses && write(input_[1], "r", 1) != 1) return;
    if (read(output_[0], &byte, 1) != 1) return;
    is_ready_ = byte == 'r';
    if (!misuses) return;
    char buffer[8192];
    const ssize_t got = read(errors_[0], buffer, sizeof(buffer));
    if (got > 0) report_.assign(buffer, static_cast<size_t>(got));
  }
  WaitingProgram(const WaitingProgram&) = delete;
  WaitingProgram& operator=(const WaitingProgram&) = delete;
  ~WaitingProgram() {
    for (const int end : {0, 1}) {
      close(input_[end]);
      close(output_[end]);
      close(errors_[end]);
    }
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
  }

  bool is_ready() const { return is_ready_; }
  const std::string& report() const { return report_; }

  // Its memory as a core file; empty if that cannot be had.
  std::string Core(const std::string& directory) const {
    Command command;
    command.arguments = {"gcore", "-o", directory + "/core", std::to_string(pid_)};
    const Outcome outcome = RunProgram(command);
    return outcome.Succeeded() ? CoreIn(directory) : "";
  }

 private:
  int input_[2];
  int output_[2];
  int errors_[2];
  pid_t pid_ = -1;
  bool is_ready_ = false;
  std::string report_;
};

TEST(CoreTest, GcoresFileHasTheReport) {
  if (FindProgram("gcore").empty()) GTEST_SKIP() << "gcore is not installed (package gdb)";
  const ScratchDirectory scratch;
  const WaitingProgram program(/*misuses=*/true);
  ASSERT_TRUE(program.is_ready());
  const std::string core = program.Core(scratch.path());
  if (core.empty()) GTEST_SKIP() << "gcore may not look into processes here";
  ExpectReportIn(core, program.report());
}

TEST(CoreTest, WithoutAReportThatIsTold) {
  if (FindProgram("gcore").empty()) GTEST_SKIP() << "gcore is not installed (package gdb)";
  const ScratchDirectory scratch;
  const WaitingProgram program(/*misuses=*/false);
  ASSERT_TRUE(program.is_ready());
  const std::string core = program.Core(scratch.path());
  if (core.empty()) GTEST_SKIP() << "gcore may not look into processes here";
  const Outcome outcome = RunMymalloc({"symbolize", core});
  EXPECT_TRUE(WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 1) << outcome.Describe();
  EXPECT_THAT(outcome.errors, HasSubstr("no report of mymalloc's is in this core file"));
  EXPECT_EQ(outcome.output, "");
}

TEST(CoreTest, OneThatIsCutGivesWhatItHas) {
  if (FindProgram("gcore").empty()) GTEST_SKIP() << "gcore is not installed (package gdb)";
  const ScratchDirectory scratch;
  const WaitingProgram program(/*misuses=*/true);
  ASSERT_TRUE(program.is_ready());
  const std::string core = program.Core(scratch.path());
  if (core.empty()) GTEST_SKIP() << "gcore may not look into processes here";
  auto size = std::filesystem::file_size(core);
  bool told = false;
  for (; size > 64; size -= size / 5 + 1) {
    std::filesystem::resize_file(core, size);
    const Outcome outcome = RunMymalloc({"symbolize", core});
    ASSERT_TRUE(WIFEXITED(outcome.status)) << size << ": " << outcome.Describe();
    if (outcome.status == 0) {
      EXPECT_THAT(outcome.output, HasSubstr("orders::Order::Release() at "));
    } else {
      EXPECT_EQ(outcome.output, "");
      told = told || outcome.errors.find("its end is missing") != std::string::npos;
    }
  }
  EXPECT_TRUE(told);
}

TEST(CoreTest, AProgramIsNoText) {
  const Outcome outcome = RunMymalloc({"symbolize", ProgramPath("orders")});
  EXPECT_TRUE(WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 1);
  EXPECT_THAT(outcome.errors, HasSubstr("is a program or library"));
}

}  // namespace
}  // namespace mymalloc::test
