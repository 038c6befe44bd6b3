// The command on a terminal: `top` with its keys, and what is told of what takes long.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/command/support.h"
#include "tests/look/running_program.h"
#include "tests/support/process.h"
#include "tests/support/pseudo_terminal.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kUp[] = "\033[A";
constexpr char kDown[] = "\033[B";
constexpr char kMark[] = "\033[7m";
constexpr char kOtherScreen[] = "\033[?1049h";
constexpr char kFirstScreen[] = "\033[?1049l";
constexpr char kFrame[] = "\033[H";

// The last frame that is whole, without what is no text.
std::vector<std::string> LastFrame(const std::string& screen) {
  const size_t begin = screen.rfind(kFrame);
  std::string text;
  for (size_t i = begin == std::string::npos ? 0 : begin; i < screen.size(); ++i) {
    if (screen[i] == '\033') {
      i = screen.find_first_of("ABCDHJKhlm", i);
      if (i == std::string::npos) break;
    } else if (screen[i] != '\r') {
      text += screen[i];
    }
  }
  return LinesOf(text);
}

class TopTest : public testing::Test {
 protected:
  static PseudoTerminal Top(const std::vector<std::string>& arguments,
                            PseudoTerminal::Size size = {30, 120},
                            std::map<std::string, std::string> environment = {}) {
    std::vector<std::string> all = {CommandPath(), "top", "--delay=0.2"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    environment.emplace("TERM", "xterm");
    environment.emplace("NO_COLOR", "");
    return {all, environment, size};
  }

  // It gives back what it has taken, and ends well.
  static void ExpectCleanEnd(PseudoTerminal* top, const termios& before) {
    std::string screen;
    EXPECT_TRUE(top->Await(kFirstScreen, &screen));
    EXPECT_THAT(screen, HasSubstr("\033[?25h")) << "the cursor is hidden still";
    EXPECT_EQ(top->WaitForEnd(), 0);
    EXPECT_EQ(top->Settings().c_lflag, before.c_lflag);
  }

  const RunningProgram small_{{"zoo", "1", "1", "1", "1"}};
  const RunningProgram large_{{"zoo", "100000", "1", "1", "1"}};
};

TEST_F(TopTest, ShowsAllAndEndsClean) {
  PseudoTerminal top = Top({});
  std::string screen;
  const termios before = top.Settings();
  ASSERT_TRUE(top.Await(large_.name(), &screen)) << screen;
  EXPECT_THAT(screen, AllOf(HasSubstr(kOtherScreen), HasSubstr(kMark), HasSubstr("by live")));
  EXPECT_NE(top.Settings().c_lflag & ICANON, before.c_lflag & ICANON);
  top.Type("q");
  ExpectCleanEnd(&top, before);
}

TEST_F(TopTest, SignalsEndItCleanToo) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    PseudoTerminal top = Top({});
    std::string screen;
    const termios before = top.Settings();
    ASSERT_TRUE(top.Await(kFrame, &screen));
    kill(top.pid(), signal);
    ExpectCleanEnd(&top, before);
  }
}

size_t LineOf(const std::vector<std::string>& lines, const std::string& text) {
  const auto found = std::find_if(lines.begin(), lines.end(), [&](const std::string& line) {
    return line.find(text) != std::string::npos;
  });
  return static_cast<size_t>(found - lines.begin());
}

TEST_F(TopTest, KeysSort) {
  PseudoTerminal top = Top({});
  std::string screen;
  ASSERT_TRUE(top.Await(large_.name(), &screen));
  std::vector<std::string> lines = LastFrame(screen);
  EXPECT_LT(LineOf(lines, large_.name()), LineOf(lines, small_.name()));
  top.Type("r");
  ASSERT_TRUE(top.Await("by live, reversed", &screen));
  lines = LastFrame(screen);
  EXPECT_GT(LineOf(lines, large_.name()), LineOf(lines, small_.name()));
  for (const char* const column : {"by growth", "by unused", "by name", "by live"}) {
    top.Type("s");
    EXPECT_TRUE(top.Await(column, &screen)) << column << LastFrame(screen)[0];
  }
}

// The row that is marked, and only that.
bool IsMarked(const std::string& screen, const std::string& text) {
  const size_t frame = screen.rfind(kFrame);
  const size_t mark = screen.find(kMark, frame);
  if (mark == std::string::npos) return false;
  const size_t end = screen.find("\033[m", mark);
  return screen.substr(mark, end - mark).find(text) != std::string::npos &&
         screen.find(kMark, end) == std::string::npos;
}

TEST_F(TopTest, KeysChooseAProcessAndLookIntoIt) {
  PseudoTerminal top = Top({});
  std::string screen;
  ASSERT_TRUE(top.Await(large_.name(), &screen));
  // Other processes of this machine may be there as well: from the top down to the large one.
  for (int i = 0; i < 50 && !IsMarked(screen, large_.name()); ++i) {
    top.Type(kDown);
    ASSERT_TRUE(top.Await(kFrame, &screen));
  }
  ASSERT_TRUE(IsMarked(screen, large_.name()));
  top.Type(kDown);  // the small one is below
  top.Type(kUp);
  top.Read(milliseconds(100));
  top.Type("\n");
  ASSERT_TRUE(top.Await("process " + large_.name(), &screen));
  EXPECT_THAT(screen, AllOf(HasSubstr("live blocks"), HasSubstr("Escape goes back")));
  EXPECT_THAT(screen, ContainsRegex("live [0-9.]+ MiB in 100,0[0-9]+ blocks"));
  top.Type("\033");
  EXPECT_TRUE(top.Await("processes on mymalloc", &screen));
}

TEST_F(TopTest, AKeyShowsHeapsInPlaceOfClasses) {
  PseudoTerminal top = Top({large_.name()});
  std::string screen;
  ASSERT_TRUE(top.Await("h shows heaps", &screen));
  EXPECT_THAT(screen, ContainsRegex("slot +pages"));
  top.Type("h");
  ASSERT_TRUE(top.Await("h shows classes", &screen));
  const std::vector<std::string> lines = LastFrame(screen);
  const size_t header = LineOf(lines, "heap    pages");
  ASSERT_LT(header + 1, lines.size());
  EXPECT_THAT(lines[header + 1], ContainsRegex("^ +[0-9]+ +[0-9,]+ +100,0[0-9]+ "));
}

TEST_F(TopTest, FitsTheTerminalWhichMayChange) {
  PseudoTerminal top = Top({large_.name()}, {12, 40});
  std::string screen;
  const auto expect_fit = [&](size_t rows, size_t columns) {
    const std::vector<std::string> lines = LastFrame(screen);
    EXPECT_LE(lines.size(), rows);
    size_t longest = 0;
    for (const std::string& line : lines) longest = std::max(longest, line.size());
    EXPECT_EQ(longest, columns);  // the second line is longer than any of these
  };
  ASSERT_TRUE(top.Await("process " + large_.name(), &screen));
  expect_fit(12, 40);
  top.Resize({5, 60});
  top.Read(milliseconds(300));
  ASSERT_TRUE(top.Await(kFrame, &screen));
  expect_fit(5, 60);
  EXPECT_EQ(LastFrame(screen).size(), 5u);
  top.Resize({1, 1});
  top.Read(milliseconds(300));
  ASSERT_TRUE(top.Await(kFrame, &screen));
  expect_fit(1, 1);
}

TEST_F(TopTest, NoColourWhereItIsNotWanted) {
  PseudoTerminal plain = Top({}, {30, 120}, {{"NO_COLOR", "1"}});
  std::string screen;
  ASSERT_TRUE(plain.Await(large_.name(), &screen));
  EXPECT_THAT(screen, AllOf(HasSubstr(kOtherScreen), Not(HasSubstr(kMark))));
  PseudoTerminal dumb = Top({"--iterations=2"}, {30, 120}, {{"TERM", "dumb"}});
  ASSERT_TRUE(dumb.Await(large_.name(), &screen));
  screen += dumb.Read(milliseconds(600));
  EXPECT_THAT(screen, Not(HasSubstr("\033")));
  EXPECT_EQ(dumb.WaitForEnd(), 0);
}

TEST_F(TopTest, IntoAPipeFramesFollowEachOther) {
  const Outcome outcome = RunMymalloc({"top", "--delay=0.1", "--iterations=3", large_.name()});
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_THAT(outcome.output, Not(HasSubstr("\033")));
  size_t frames = 0;
  for (const std::string& line : LinesOf(outcome.output)) {
    if (line.rfind("process " + large_.name(), 0) == 0) ++frames;
  }
  EXPECT_EQ(frames, 3u);
}

TEST_F(TopTest, AsJsonEachLookIsALineOfPsOrStats) {
  const Outcome one =
      RunMymalloc({"top", "--delay=0.1", "--iterations=3", "--format=json", large_.name()});
  EXPECT_TRUE(one.Succeeded()) << one.Describe();
  const std::string stats = RunMymalloc({"stats", "--format=json", large_.name()}).output;
  EXPECT_EQ(one.output, stats + stats + stats);
  const Outcome all = RunMymalloc({"top", "--delay=0.1", "--iterations=2", "--format=json"});
  const std::vector<std::string> lines = LinesOf(all.output);
  ASSERT_EQ(lines.size(), 2u) << all.Describe();
  for (const std::string& line : lines) {
    EXPECT_THAT(line, AllOf(HasSubstr("\"pid\":" + small_.name() + ","),
                            HasSubstr("\"pid\":" + large_.name() + ",")));
  }
}

TEST_F(TopTest, AProcessThatDiesIsSaidToHave) {
  PseudoTerminal top = Top({small_.name()});
  std::string screen;
  ASSERT_TRUE(top.Await("process " + small_.name(), &screen));
  kill(small_.pid(), SIGKILL);
  ASSERT_TRUE(top.Await("mymalloc top: ", &screen)) << screen;
  EXPECT_THAT(screen, AllOf(HasSubstr(kFirstScreen), HasSubstr("has ended")));
  EXPECT_EQ(WEXITSTATUS(top.WaitForEnd()), 1);
}

TEST_F(TopTest, WhereOneWasChosenThatDiesAllAreShownAgain) {
  PseudoTerminal top = Top({});
  std::string screen;
  ASSERT_TRUE(top.Await(large_.name(), &screen));
  for (int i = 0; i < 50 && !IsMarked(screen, small_.name()); ++i) {
    top.Type("j");
    ASSERT_TRUE(top.Await(kFrame, &screen));
  }
  ASSERT_TRUE(IsMarked(screen, small_.name()));
  top.Type("\n");
  ASSERT_TRUE(top.Await("process " + small_.name(), &screen));
  kill(small_.pid(), SIGKILL);
  EXPECT_TRUE(top.Await("processes on mymalloc", &screen));
  EXPECT_THAT(screen, HasSubstr(large_.name()));
  EXPECT_EQ(waitpid(top.pid(), nullptr, WNOHANG), 0) << "it has ended";
}

// What takes more than a second: as the command is stopped that long, as soon as it has begun.
class ProgressTest : public testing::TestWithParam<std::vector<std::string>> {
 protected:
  static std::vector<std::string> CommandFor(const RunningProgram& target,
                                             const ScratchDirectory& scratch) {
    std::vector<std::string> arguments = {CommandPath()};
    for (const std::string& argument : GetParam()) {
      arguments.push_back(argument == "TARGET"    ? target.name()
                          : argument == "ADDRESS" ? "1000"
                          : argument == "FILE"    ? scratch.path() + "/file"
                                                  : argument);
    }
    return arguments;
  }

  static void PauseAfter(pid_t pid, int milliseconds_before) {
    usleep(static_cast<useconds_t>(milliseconds_before) * 1000);
    kill(pid, SIGSTOP);
    usleep(1100 * 1000);
    kill(pid, SIGCONT);
  }
};

TEST_P(ProgressTest, IsToldOnATerminalOnly) {
  RunningProgram target({"zoo", "1000000", "1000", "100", "100"});
  ASSERT_TRUE(target.is_ready());
  const ScratchDirectory scratch;
  std::vector<std::string> arguments = CommandFor(target, scratch);
  for (std::string& argument : arguments) {
    if (argument == "1000") argument = target.Said("shape");
  }
  std::string shown;
  // How soon it has begun, and how late it has not ended yet, nobody knows before.
  for (int before = 1; before < 200 && shown.empty(); before = before * 3 / 2 + 1) {
    PseudoTerminal terminal(arguments, {{"TERM", "xterm"}}, {24, 80}, scratch.path() + "/output");
    PauseAfter(terminal.pid(), before);
    shown = terminal.Read(milliseconds(100));
    for (siginfo_t ended = {}; ended.si_pid == 0;) {
      shown += terminal.Read(milliseconds(50));
      waitid(P_PID, static_cast<id_t>(terminal.pid()), &ended, WEXITED | WNOHANG | WNOWAIT);
    }
    shown += terminal.Read(milliseconds(20));
    EXPECT_EQ(terminal.WaitForEnd(), 0);
  }
  EXPECT_THAT(shown, ContainsRegex("\r(read )?[0-9.]+ [KMG]?i?B"));
  // The line is gone at the end.
  EXPECT_EQ(shown.substr(shown.rfind('\r')), "\r\033[K");

  Command command;
  command.arguments = arguments;
  BackgroundProcess piped(command);
  PauseAfter(piped.pid(), 10);
  EXPECT_EQ(piped.Wait().errors, "");
}

INSTANTIATE_TEST_SUITE_P(
    Subcommands, ProgressTest,
    testing::Values(std::vector<std::string>{"types", "TARGET"},
                    std::vector<std::string>{"check", "TARGET"},
                    std::vector<std::string>{"leaks", "TARGET"},
                    std::vector<std::string>{"map", "TARGET", "-o", "FILE"},
                    std::vector<std::string>{"find", "TARGET", "ADDRESS", "--referrers"},
                    std::vector<std::string>{"snapshot", "TARGET", "-o", "FILE"}),
    [](const auto& test) { return test.param[0]; });

}  // namespace
}  // namespace mymalloc::test
