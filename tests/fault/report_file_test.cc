// The option report_file: what is kept of reports besides stderr, and what it must not do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/library.h"
#include "tests/support/process.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

using ::testing::HasSubstr;

class ReportFileTest : public testing::Test {
 protected:
  // The program frees a block twice.
  Outcome Misuse(const std::string& file, const std::string& on_error = "abort",
                 const std::string& how = "") const {
    Command command;
    command.arguments = {DataFile("tests/fault/misuse_program"), how};
    command.preload = {LibraryUnderTest()};
    command.environment = {{"MYMALLOC_ON_ERROR", on_error}, {"MYMALLOC_REPORT_FILE", file}};
    command.patience = std::chrono::seconds(20);
    return RunProgram(command);
  }

  std::string PathOf(const std::string& name) const { return scratch_.path() + "/" + name; }

  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // The report is on stderr, and the process ends by it, whatever becomes of the file.
  static void ExpectReported(const Outcome& outcome) {
    EXPECT_TRUE(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGABRT)
        << outcome.Describe();
    EXPECT_THAT(outcome.errors, HasSubstr("double free: "));
    EXPECT_EQ(outcome.errors.find("is ignored"), std::string::npos) << outcome.errors;
  }

  ScratchDirectory scratch_;
};

TEST_F(ReportFileTest, EachReportIsAppended) {
  const std::string path = PathOf("reports");
  const Outcome first = Misuse(path);
  ExpectReported(first);
  EXPECT_EQ(Read(path), first.errors);
  const Outcome second = Misuse(path, "warn", "misusing");
  EXPECT_TRUE(second.Succeeded()) << second.Describe();
  EXPECT_EQ(Read(path), first.errors + second.errors);
}

TEST_F(ReportFileTest, OnlyTheOwnerMayReadIt) {
  const std::string path = PathOf("reports");
  Misuse(path);
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST_F(ReportFileTest, TheProcessNumberMayBeInTheName) {
  const Outcome outcome = Misuse(PathOf("%p-and-%p.%"));
  const size_t start = outcome.errors.find('[') + 1;
  const std::string pid = outcome.errors.substr(start, outcome.errors.find('.') - start);
  EXPECT_EQ(Read(PathOf(pid + "-and-" + pid + ".%")), outcome.errors);
}

TEST_F(ReportFileTest, WithoutAReportThereIsNone) {
  EXPECT_TRUE(Misuse(PathOf("ignored"), "ignore", "removed").Succeeded());
  Command command;
  command.arguments = {"true"};
  command.preload = {LibraryUnderTest()};
  command.environment = {{"MYMALLOC_REPORT_FILE", PathOf("true")}};
  EXPECT_TRUE(RunProgram(command).Succeeded());
  EXPECT_TRUE(std::filesystem::is_empty(scratch_.path()));
}

TEST_F(ReportFileTest, AFileThatCannotBeOpenedIsPassedOver) {
  ExpectReported(Misuse(PathOf("no/such/directory")));
  ExpectReported(Misuse(scratch_.path()));
  ExpectReported(Misuse("/dev/full"));
}

TEST_F(ReportFileTest, NoSymbolicLinkIsFollowed) {
  std::filesystem::create_symlink(PathOf("target"), PathOf("link"));
  ExpectReported(Misuse(PathOf("link")));
  EXPECT_FALSE(std::filesystem::exists(PathOf("target")));
}

TEST_F(ReportFileTest, APipeThatNobodyReadsIsNotWaitedFor) {
  ASSERT_EQ(mkfifo(PathOf("pipe").c_str(), 0600), 0);
  ExpectReported(Misuse(PathOf("pipe")));
}

// "%p" makes a name longer than what the option holds.
TEST_F(ReportFileTest, ANameThatBecomesTooLongIsNotCut) {
  std::string path = scratch_.path() + "/";
  while (path.size() < 430) path += "./";
  for (int i = 0; i < 40; ++i) path += "%p";
  ExpectReported(Misuse(path));
  EXPECT_TRUE(std::filesystem::is_empty(scratch_.path()));
}

TEST_F(ReportFileTest, OnTheSmallestStacks) {
  for (const char* const how : {"thread", "signal"}) {
    const std::string path = PathOf(how);
    const Outcome outcome = Misuse(path, "abort", how);
    ExpectReported(outcome);
    EXPECT_EQ(Read(path), outcome.errors);
  }
}

}  // namespace
}  // namespace mymalloc::test
