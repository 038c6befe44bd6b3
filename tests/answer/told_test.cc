// What the library does by itself where options ask for it: statistics at exit and on a signal, a
// line at the start, names of mappings, limits. The program knows nothing of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "mymalloc/mymalloc.h"
#include "tests/support/library.h"
#include "tests/support/process.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr size_t kMiB = 1 << 20;

class ToldTest : public testing::Test {
 protected:
  static Outcome Run(const std::vector<std::string>& arguments,
                     const std::map<std::string, std::string>& options) {
    Command command;
    command.arguments = arguments;
    if (arguments[0].find('/') == std::string::npos) {
      command.arguments.insert(command.arguments.begin(), DataFile("tests/answer/told_program"));
    }
    command.preload = {LibraryUnderTest()};
    command.environment = options;
    const Outcome outcome = RunProgram(command);
    EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
    return outcome;
  }

  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static size_t Count(const std::string& text, const std::string& part) {
    size_t count = 0;
    for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++count;
    return count;
  }

  std::string PathOf(const std::string& name) const { return scratch_.path() + "/" + name; }

  ScratchDirectory scratch_;
};

TEST_F(ToldTest, NothingUnlessAsked) { EXPECT_EQ(Run({"exit"}, {}).errors, ""); }

TEST_F(ToldTest, StatisticsAtExit) {
  EXPECT_THAT(Run({"exit"}, {{"MYMALLOC_STATS", "1"}}).errors, HasSubstr("  live_bytes\n"));
  EXPECT_THAT(Run({"exit"}, {{"MYMALLOC_STATS", "prometheus"}}).errors,
              HasSubstr("\nmymalloc_live_bytes "));
  const std::string json = Run({"exit"}, {{"MYMALLOC_STATS", "json"}}).errors;
  EXPECT_EQ(json.front(), '{');
  const size_t live = json.find("\"live_blocks\": ");
  ASSERT_NE(live, std::string::npos);
  EXPECT_GE(std::stoul(json.substr(live + 15)), 1000u);
}

// Which many programs close as they end.
TEST_F(ToldTest, StatisticsAtExitOfOneThatClosesStderr) {
  EXPECT_THAT(Run({"/bin/ls", "/"}, {{"MYMALLOC_STATS", "json"}}).errors,
              HasSubstr("\"live_blocks\": "));
}

TEST_F(ToldTest, StatisticsToAFile) {
  const Outcome outcome =
      Run({"exit"}, {{"MYMALLOC_STATS", "json"}, {"MYMALLOC_STATS_FILE", PathOf("of.%p")}});
  EXPECT_EQ(outcome.errors, "");
  size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(scratch_.path())) {
    ++files;
    const std::string text = Read(file.path());
    EXPECT_THAT(text, HasSubstr("\"pid\": " + file.path().extension().string().substr(1) + ","));
  }
  EXPECT_EQ(files, 1u);
}

TEST_F(ToldTest, StatisticsOnASignalUnderLoad) {
  Run({"signals"}, {{"MYMALLOC_DUMP_SIGNAL", "USR2"}, {"MYMALLOC_STATS_FILE", PathOf("dump")}});
  const std::string text = Read(PathOf("dump"));
  EXPECT_GE(Count(text, "  live_bytes\n"), 50u);
  EXPECT_LE(Count(text, "  live_bytes\n"), 200u);
  EXPECT_EQ(Count(text, "mymalloc " MYMALLOC_VERSION), Count(text, "  live_bytes\n"));
}

TEST_F(ToldTest, ALineAtTheStart) {
  EXPECT_THAT(Run({"exit"}, {{"MYMALLOC_VERBOSE", "1"}, {"MYMALLOC_DECAY", "10s"}}).errors,
              HasSubstr(", options: decay=10000ms verbose=1\n"));
}

TEST_F(ToldTest, NamesOfMappings) {
  const std::string maps = Run({"maps"}, {{"MYMALLOC_NAME_MAPPINGS", "1"}}).output;
  if (maps.find("[anon:") == std::string::npos) GTEST_SKIP() << "this kernel has no names";
  EXPECT_THAT(maps, HasSubstr("[anon:mymalloc: chunk]"));
  EXPECT_THAT(maps, HasSubstr("[anon:mymalloc: large]"));
  EXPECT_THAT(maps, HasSubstr("[anon:mymalloc: metadata]"));
  EXPECT_THAT(Run({"maps"}, {}).output, Not(HasSubstr("mymalloc: ")));
}

// Of short blocks, runs and large ones: about as much, then ENOMEM; then again, and without a
// limit.
TEST_F(ToldTest, AHardLimit) {
  for (const char* size : {"100", "20000", "300000", "5000000", "40000000"}) {
    SCOPED_TRACE(size);
    const Outcome outcome = Run({"limit", size}, {{"MYMALLOC_HARD_LIMIT", "200M"}});
    std::istringstream words(outcome.output);
    size_t bytes = 0;
    int refused = 0;
    int again = 0;
    int unlimited = 0;
    words >> bytes >> refused >> again >> unlimited;
    EXPECT_GE(bytes, 120 * kMiB) << outcome.output;
    EXPECT_LE(bytes, 215 * kMiB);
    EXPECT_EQ(refused, 1);
    EXPECT_EQ(again, 1);
    EXPECT_EQ(unlimited, 1);
  }
}

}  // namespace
}  // namespace mymalloc::test
