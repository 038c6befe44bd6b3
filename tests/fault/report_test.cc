// What a C program gets to see, and to hear through its callback, when it misuses the heap.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include "tests/fault/symbols.h"
#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::StartsWith;

std::string Program() { return DataFile("tests/fault/misuse_program"); }

Outcome Misuse(const std::string& how, const std::string& on_error = "abort") {
  Command command;
  command.arguments = {Program(), how};
  command.preload = {LibraryUnderTest()};
  command.environment = {{"MYMALLOC_ON_ERROR", on_error}};
  return RunProgram(command);
}

struct Frame {
  std::string path;
  std::string build_id;
  std::string function;
};

std::vector<Frame> FramesOf(const std::string& report) {
  const std::regex line(
      R"(    #(\d+) 0x[0-9a-f]+: (\S+)\+(0x[0-9a-f]+)(?: \(build id (\w+)\))?\n)");
  std::vector<Frame> frames;
  for (std::sregex_iterator match(report.begin(), report.end(), line), end; match != end; ++match) {
    EXPECT_EQ((*match)[1], std::to_string(frames.size()));
    const std::string path = (*match)[2];
    frames.push_back({path, (*match)[4], FunctionAt(path, std::stoul((*match)[3], nullptr, 16))});
  }
  return frames;
}

std::vector<std::string> FunctionsOf(const std::string& report) {
  std::vector<std::string> functions;
  for (const Frame& frame : FramesOf(report)) functions.push_back(frame.function);
  return functions;
}

bool Aborted(const Outcome& outcome) {
  return WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGABRT;
}

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(ReportTest, ShowsWhoCalledFree) {
  const Outcome outcome = Misuse("");
  EXPECT_TRUE(Aborted(outcome)) << outcome.Describe();
  const std::vector<Frame> frames = FramesOf(outcome.errors);
  ASSERT_GE(frames.size(), 4u) << outcome.Describe();
  EXPECT_EQ(frames[0].function, "ReleaseBlock");
  EXPECT_EQ(frames[1].function, "ReleaseTwice");
  EXPECT_EQ(frames[2].function, "main");
  EXPECT_EQ(frames.back().function, "_start");
  EXPECT_EQ(Count(outcome.errors, "  stack:\n"), 1u);
}

TEST(ReportTest, ShowsABuildIdForEachModuleOnce) {
  const std::vector<Frame> frames = FramesOf(Misuse("").errors);
  ASSERT_GE(frames.size(), 4u);
  EXPECT_EQ(frames[0].build_id, BuildIdOfFile(Program()));
  EXPECT_EQ(frames[0].build_id.size(), 40u);
  EXPECT_EQ(frames[1].build_id, "");
  const auto libc = std::find_if(frames.begin(), frames.end(), [](const Frame& frame) {
    return frame.path.find("libc.so") != std::string::npos;
  });
  ASSERT_NE(libc, frames.end());
  EXPECT_EQ(libc->build_id, BuildIdOfFile(libc->path));
}

TEST(ReportTest, OnTheSmallestThread) {
  const Outcome outcome = Misuse("thread");
  EXPECT_TRUE(Aborted(outcome)) << outcome.Describe();
  EXPECT_THAT(FunctionsOf(outcome.errors),
              IsSupersetOf({"ReleaseBlock", "ReleaseTwice", "OnThread"}));
}

TEST(ReportTest, OnASignalStack) {
  const Outcome outcome = Misuse("signal");
  EXPECT_TRUE(Aborted(outcome)) << outcome.Describe();
  EXPECT_THAT(FunctionsOf(outcome.errors),
              IsSupersetOf({"ReleaseBlock", "ReleaseTwice", "Handle", "OnSignalStack", "main"}));
}

constexpr char kTold[] =
    "told: double free in free, address right, block right, size right\nmymalloc[";

TEST(CallbackTest, IsCalledBeforeTheAbort) {
  const Outcome outcome = Misuse("callback");
  EXPECT_TRUE(Aborted(outcome)) << outcome.Describe();
  EXPECT_THAT(outcome.output, StartsWith(kTold));
  EXPECT_THAT(outcome.output, HasSubstr(outcome.errors));
  EXPECT_THAT(outcome.errors, HasSubstr("double free: free("));
}

TEST(CallbackTest, IsCalledWhenTheProgramGoesOn) {
  const Outcome warned = Misuse("callback", "warn");
  EXPECT_TRUE(warned.Succeeded()) << warned.Describe();
  EXPECT_EQ(warned.output, "told: double free in free, address right, block right, size right\n" +
                               warned.errors + "went on\n");
  const Outcome ignored = Misuse("callback", "ignore");
  EXPECT_TRUE(ignored.Succeeded()) << ignored.Describe();
  EXPECT_THAT(ignored.output, StartsWith(kTold));
  EXPECT_EQ(ignored.errors, "");
}

TEST(CallbackTest, CanBeRemoved) {
  const Outcome outcome = Misuse("removed", "warn");
  EXPECT_EQ(outcome.output, "went on\n");
  EXPECT_THAT(outcome.errors, HasSubstr("double free"));
}

TEST(CallbackTest, MayMisuseTheHeapItself) {
  const Outcome warned = Misuse("misusing", "warn");
  EXPECT_TRUE(warned.Succeeded()) << warned.Describe();
  EXPECT_EQ(Count(warned.output, "told: "), 1u);
  EXPECT_EQ(Count(warned.errors, "double free: "), 2u);
  EXPECT_EQ(Count(warned.errors, "invalid pointer: "), 1u);
  const Outcome aborted = Misuse("misusing");
  EXPECT_TRUE(Aborted(aborted)) << aborted.Describe();
  EXPECT_EQ(Count(aborted.output, "told: "), 1u);
  EXPECT_EQ(Count(aborted.errors, "double free: "), 2u);
  const Outcome ignored = Misuse("misusing", "ignore");
  EXPECT_TRUE(ignored.Succeeded()) << ignored.Describe();
  EXPECT_EQ(Count(ignored.output, "told: "), 1u);
  EXPECT_EQ(ignored.errors, "");
}

TEST(CallbackTest, MayCrash) {
  const Outcome outcome = Misuse("crashing", "warn");
  EXPECT_TRUE(WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 4) << outcome.Describe();
  EXPECT_EQ(Count(outcome.output, "told: "), 1u);
  EXPECT_EQ(Count(outcome.errors, "double free: "), 2u);
}

}  // namespace
}  // namespace mymalloc::test
