// `mymalloc symbolize`: the names that it finds, and those that it must not tell.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/command/support.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr char kStart[] = "    #0 0x[0-9a-f]+: ";
constexpr char kPlace[] = " \\(/.*\\+0x[0-9a-f]+\\)";
constexpr char kBuildId[] = " \\(build id [0-9a-f]{40}\\)";

// As a regular expression.
std::string Escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '.' || c == '(' || c == ')' || c == '+' || c == '*' || c == '[' || c == ']') {
      result += '\\';
    }
    result += c;
  }
  return result;
}

std::string At(const std::string& comment) { return " at .*" + Escaped(PlaceOf(comment)); }

std::vector<std::string> SymbolizedFrames(const std::string& report) {
  const Outcome outcome = RunMymalloc({"symbolize"}, report);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(outcome.errors, "");
  return FramesOf(outcome.output);
}

// All that is known of the program's misuse.
void ExpectAllNames(const std::vector<std::string>& frames) {
  ASSERT_GE(frames.size(), 5u);
  const std::string start = kStart;
  EXPECT_THAT(frames[0], MatchesRegex(start + "orders::Order::Release\\(\\)" + At("innermost") +
                                      " \\(inlined\\)"));
  EXPECT_THAT(frames[1],
              MatchesRegex(start + "orders::ReleaseTwice" + At("middle") + " \\(inlined\\)"));
  EXPECT_THAT(frames[2], MatchesRegex(start + "orders::Cancel\\(std::.*string.*, int\\)" +
                                      At("outermost") + kPlace + kBuildId));
  EXPECT_THAT(frames[3], MatchesRegex("    #1 0x[0-9a-f]+: main" + At("main") + kPlace));
}

TEST(SymbolizeTest, NamesFunctionsLinesAndWhatIsInlined) {
  ExpectAllNames(SymbolizedFrames(ReportOf(ProgramPath("orders"))));
}

TEST(SymbolizeTest, AProgramThatIsLoadedWhereItSays) {
  const std::string report = ReportOf(ProgramPath("fixed_orders"));
  ASSERT_THAT(report, HasSubstr("0x40")) << "it is not where such programs are";
  ExpectAllNames(SymbolizedFrames(report));
}

TEST(SymbolizeTest, WithoutTheTableOfUnits) {
  ExpectAllNames(SymbolizedFrames(ReportOf(ProgramPath("no_aranges_orders"))));
}

TEST(SymbolizeTest, WithoutDebugInformationItIsTheSymbolAndTheOffset) {
  const std::vector<std::string> frames = SymbolizedFrames(ReportOf(ProgramPath("plain_orders")));
  ASSERT_GE(frames.size(), 3u);
  EXPECT_THAT(frames[0],
              MatchesRegex(std::string(kStart) + "orders::Cancel\\(std::.*string.*, int\\)" +
                           "\\+0x[0-9a-f]+" + kPlace + kBuildId));
  EXPECT_THAT(frames[1],
              MatchesRegex("    #1 0x[0-9a-f]+: main\\+0x[0-9a-f]+" + std::string(kPlace)));
}

TEST(SymbolizeTest, WithoutSymbolsTheFrameStaysAsItIs) {
  const std::string report = ReportOf(ProgramPath("lone_stripped_orders"));
  const std::vector<std::string> frames = SymbolizedFrames(report);
  ASSERT_GE(frames.size(), 3u);
  EXPECT_EQ(frames[0], FramesOf(report)[0]);
}

TEST(SymbolizeTest, DebugInformationBesideTheFile) {
  ExpectAllNames(SymbolizedFrames(ReportOf(ProgramPath("stripped_orders"))));
}

TEST(SymbolizeTest, AllButFramesIsAsItWas) {
  const std::string report = "before\r\n" + ReportOf(ProgramPath("orders")) + "after";
  const std::vector<std::string> lines = LinesOf(RunMymalloc({"symbolize"}, report).output);
  std::vector<std::string> rest;
  for (const std::string& line : LinesOf(report)) {
    if (FramesOf(line).empty()) rest.push_back(line);
  }
  std::vector<std::string> symbolized_rest;
  for (const std::string& line : lines) {
    if (FramesOf(line).empty()) symbolized_rest.push_back(line);
  }
  EXPECT_EQ(symbolized_rest, rest);
}

TEST(SymbolizeTest, WhatHasNamesStaysAsItIs) {
  const std::string once = RunMymalloc({"symbolize"}, ReportOf(ProgramPath("orders"))).output;
  EXPECT_EQ(RunMymalloc({"symbolize"}, once).output, once);
}

TEST(SymbolizeTest, WhatALogHasPutBeforeALineStaysThere) {
  const std::string frame = FramesOf(ReportOf(ProgramPath("orders")))[0];
  const Outcome outcome = RunMymalloc({"symbolize"}, "Nov 27 host prog[7]: " + frame + "\n");
  const std::vector<std::string> lines = LinesOf(outcome.output);
  ASSERT_EQ(lines.size(), 3u);
  for (const std::string& line : lines)
    EXPECT_EQ(line.rfind("Nov 27 host prog[7]:     #0 0x", 0), 0u);
}

TEST(SymbolizeTest, SeveralFilesOneAfterTheOther) {
  const ScratchDirectory scratch;
  WriteFile(scratch.path() + "/a", "first\n");
  WriteFile(scratch.path() + "/b", "second\n");
  const std::string a = scratch.path() + "/a";
  const std::string b = scratch.path() + "/b";
  EXPECT_EQ(RunMymalloc({"symbolize", a, "-", b}, "between\n").output, "first\nbetween\nsecond\n");
  const Outcome outcome = RunMymalloc({"symbolize", a, scratch.path() + "/none", b});
  EXPECT_EQ(outcome.output, "first\nsecond\n");
  EXPECT_THAT(outcome.errors, HasSubstr("/none: No such file"));
  EXPECT_NE(outcome.status, 0);
}

// Of programs that are no longer what ran.
class OtherFileTest : public testing::Test {
 protected:
  OtherFileTest() {
    CopyProgram(ProgramPath("orders"), program_);
    report_ = ReportOf(program_);
  }

  ScratchDirectory scratch_;
  const std::string program_ = scratch_.path() + "/program";
  std::string report_;
};

TEST_F(OtherFileTest, AChangedFileGivesNoNamesAndIsTold) {
  CopyProgram(ProgramPath("fixed_orders"), program_);
  const std::vector<std::string> frames = SymbolizedFrames(report_);
  ASSERT_GE(frames.size(), 3u);
  for (size_t number = 0; number < 2; ++number) {
    EXPECT_EQ(frames[number].rfind(FramesOf(report_)[number], 0), 0u) << frames[number];
    EXPECT_THAT(frames[number],
                MatchesRegex(".* \\(the file has changed since: build id [0-9a-f]{40}\\)"));
  }
}

TEST_F(OtherFileTest, AFileThatLostItsBuildIdIsAnother) {
  CopyProgram(ProgramPath("nameless_orders"), program_);
  EXPECT_THAT(SymbolizedFrames(report_)[0],
              EndsWith(" (the file has changed since: build id none)"));
}

TEST_F(OtherFileTest, AMissingFileIsToldOnceAtTheEnd) {
  std::filesystem::remove(program_);
  const Outcome outcome = RunMymalloc({"symbolize"}, report_ + report_);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(FramesOf(outcome.output)[0], FramesOf(report_)[0]);
  EXPECT_THAT(outcome.errors, HasSubstr(program_ + " (build id "));
  EXPECT_THAT(outcome.errors, HasSubstr("--debug-dir=DIR"));
  EXPECT_EQ(LinesOf(outcome.errors).size(), 1u);
}

TEST_F(OtherFileTest, AFileOfTheBuildIdIsFoundUnderAnyName) {
  std::filesystem::create_directory(scratch_.path() + "/kept");
  std::filesystem::rename(program_, scratch_.path() + "/kept/any name");
  for (const bool changed : {false, true}) {
    if (changed) CopyProgram(ProgramPath("fixed_orders"), program_);
    const Outcome outcome = RunMymalloc(
        {"symbolize", "--debug-dir=/usr/lib", "--debug-dir", scratch_.path() + "/kept"}, report_);
    EXPECT_EQ(outcome.errors, "");
    ExpectAllNames(FramesOf(outcome.output));
  }
}

TEST_F(OtherFileTest, AProgramThatWasDeletedWhileItRan) {
  std::string report = report_;
  for (size_t at; (at = report.find("/program+")) != std::string::npos;) {
    report.replace(at, 9, "/program (deleted)+");
  }
  ExpectAllNames(SymbolizedFrames(report));
  CopyProgram(ProgramPath("fixed_orders"), program_);
  EXPECT_THAT(SymbolizedFrames(report)[0], HasSubstr("the file has changed since"));
}

TEST(DebugDirTest, SeparateInformationByItsBuildId) {
  const ScratchDirectory scratch;
  const std::string program = scratch.path() + "/stripped";
  CopyProgram(ProgramPath("stripped_orders"), program);
  const std::string report = ReportOf(program);
  EXPECT_THAT(SymbolizedFrames(report)[0], Not(HasSubstr("Release")));
  const size_t at = report.find("(build id ") + 10;
  const std::string id = report.substr(at, report.find(')', at) - at);
  const std::string folder = scratch.path() + "/debug/.build-id/" + id.substr(0, 2);
  std::filesystem::create_directories(folder);
  CopyProgram(ProgramPath("stripped_orders.debug"), folder + "/" + id.substr(2) + ".debug");
  const std::string flag = "--debug-dir=" + scratch.path() + "/debug";
  ExpectAllNames(FramesOf(RunMymalloc({"symbolize", flag}, report).output));
  // It alone is enough.
  std::filesystem::remove(program);
  ExpectAllNames(FramesOf(RunMymalloc({"symbolize", flag}, report).output));
}

TEST(JsonTest, IsAnObjectForEachReportThatProgramsUnderstand) {
  const std::string report = ReportOf(ProgramPath("orders"));
  Command command;
  command.arguments = {"sh", "-c",
                       "\"$0\" symbolize --format=json | python3 -c '\n"
                       "import json, sys\n"
                       "for line in sys.stdin:\n"
                       "    report = json.loads(line)\n"
                       "    frame = report[\"stacks\"][0][\"frames\"][0]\n"
                       "    print(report[\"process\"], report[\"stacks\"][0][\"heading\"])\n"
                       "    print(report[\"message\"])\n"
                       "    for call in frame[\"calls\"]:\n"
                       "        print(call[\"function\"], call[\"line\"], call[\"inlined\"])\n"
                       "'",
                       CommandPath()};
  command.input = "junk\n" + report + "  more\n\n" + report;
  const Outcome outcome = RunProgram(command);
  ASSERT_TRUE(outcome.Succeeded()) << outcome.Describe();
  const std::vector<std::string> lines = LinesOf(outcome.output);
  ASSERT_EQ(lines.size(), 10u) << outcome.output;
  EXPECT_THAT(lines[0], MatchesRegex("[0-9]+ stack"));
  EXPECT_THAT(lines[1], MatchesRegex("double free: free\\(0x[0-9a-f]+\\): the block is free."));
  EXPECT_THAT(lines[2], MatchesRegex("orders::Order::Release\\(\\) [0-9]+ True"));
  EXPECT_THAT(lines[3], MatchesRegex("orders::ReleaseTwice [0-9]+ True"));
  EXPECT_THAT(lines[4], MatchesRegex("orders::Cancel.* [0-9]+ False"));
  EXPECT_EQ(lines[2], lines[7]);
}

}  // namespace
}  // namespace mymalloc::test
