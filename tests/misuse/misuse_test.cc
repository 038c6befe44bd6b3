#include "tests/misuse/misuse_test.h"

#include <sys/wait.h>

#include <cctype>
#include <csignal>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "gmock/gmock.h"
#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

// Stands for a block that the program knows nothing of.
constexpr char kAnyBlock[] = "  block: ...";

// What is told where sampling would show more, and the largest block that is sampled.
constexpr char kNextStep[] =
    "  Run it with MYMALLOC_SAMPLE=1 to see where such blocks are allocated and freed.";
constexpr uint64_t kLargestSampled = 4080;

constexpr char kFreedFrom[] = "  freed from:";
constexpr char kAround[] = "  around it:";

// The largest block that has a slot in a page.
constexpr uint64_t kLargestInPage = 32776;

std::string PathOf(const std::string& program) {
  return DataFile("tests/misuse/" + program + "_program");
}

Outcome RunCase(const Run& run) {
  Command command;
  command.arguments = {PathOf(run.program), run.test_case.name};
  command.preload = {LibraryUnderTest()};
  command.environment["MYMALLOC_OPTIONS"] = run.mode.options;
  return RunProgram(command);
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string Hex(uint64_t value) {
  std::ostringstream out;
  out << "0x" << std::hex << value;
  return out.str();
}

// What the program said of itself: lines of a name and a number.
class Facts {
 public:
  explicit Facts(const std::string& output) {
    for (const std::string& line : Lines(output)) {
      const size_t space = line.find(' ');
      const std::string value = line.substr(space + 1);
      if (value.compare(0, 2, "0x") == 0 || value == "0") {
        facts_[line.substr(0, space)] = std::stoull(value, nullptr, 16);
      } else {
        ADD_FAILURE() << "the program says: " << line;
      }
    }
  }

  uint64_t Of(const std::string& name) const {
    const auto found = facts_.find(name);
    if (found != facts_.end()) return found->second;
    ADD_FAILURE() << "the program did not say its " << name;
    return 0;
  }

 private:
  std::map<std::string, uint64_t> facts_;
};

// "block" or "culprit". The program knows all but slot and page.
std::string BlockLine(const Facts& facts, const std::string& name, const std::string& heading,
                      const std::string& maker, const std::string& state, bool sampled) {
  const uint64_t begin = facts.Of(name);
  const uint64_t usable = facts.Of(name + "_usable");
  const auto offset = static_cast<int64_t>(facts.Of("address") - begin);
  std::string line = "  " + heading + ": [" + Hex(begin) + ", " + Hex(begin + usable) + "), " +
                     std::to_string(usable) + " usable bytes" +
                     (maker.empty() ? "" : " by " + maker) + ", " + state;
  if (name == "block" && offset != 0) {
    line += ", the pointer is at offset " + std::to_string(offset);
  }
  return line +
         (usable > kLargestInPage || sampled ? "; a range of its own" : "; slot S of page P");
}

// What a later call found has no call of its own.
std::string CallOrNone(const std::string& called, const std::string& address) {
  return called.empty() ? "found by a later call: " + address : called + "(" + address + ")";
}

// Whether the report tells from where the block was freed: of long blocks it is known in all modes.
bool TellsFreer(const Run& run, const Facts& facts) {
  const Expectation& expected = run.expected();
  const bool detour =
      run.mode.hardened || std::string(run.mode.options).find("quarantine=") != std::string::npos;
  return expected.block == "free" && expected.freer != Expectation::kNotTold &&
         expected.events.empty() && (detour || facts.Of("block_usable") > kLargestInPage);
}

// And what allocated it.
bool TellsMaker(const Run& run) {
  return run.mode.hardened || !run.expected().events.empty() ||
         std::string(run.mode.options).find("check_ends=1") != std::string::npos;
}

std::vector<std::string> ExpectedLines(const Run& run, const Facts& facts, bool tells_freer,
                                       bool tells_maker) {
  const Expectation& expected = run.expected();
  const Complaint& words = expected.complaint;
  const bool sampled = !expected.events.empty();
  std::vector<std::string> lines;
  lines.push_back("mymalloc[" + std::to_string(facts.Of("process")) + "." +
                  std::to_string(facts.Of("thread")) + "]: " + words.what + ": " +
                  CallOrNone(expected.called, Hex(facts.Of("address"))) + ": " + words.detail);
  if (!expected.given.empty()) {
    lines.push_back("  given: " + expected.given + " " + std::to_string(facts.Of("given")));
  }
  if (expected.block == "*") {
    lines.emplace_back(kAnyBlock);
  } else if (!expected.block.empty()) {
    lines.push_back(BlockLine(facts, "block", "block", tells_maker ? expected.maker : "",
                              expected.block, sampled));
  }
  if (!expected.written.empty()) lines.push_back("  overwritten: " + expected.written);
  if (!expected.culprit.empty()) {
    lines.push_back(BlockLine(facts, "culprit", "probably by",
                              tells_maker ? expected.culprits_maker : "", expected.culprit,
                              sampled));
  }
  for (const std::string& event : expected.events) {
    lines.push_back("  " + event + " by thread " + std::to_string(facts.Of("owner")) + ":");
  }
  if (tells_freer) lines.emplace_back(kFreedFrom);
  lines.push_back(std::string("  ") + words.advice);
  const bool shown = !expected.block.empty() && expected.block != "*";
  if (shown && !run.mode.sampled && facts.Of("block_usable") <= kLargestSampled) {
    lines.emplace_back(kNextStep);
  }
  return lines;
}

// A report, its stack apart.
struct Report {
  std::vector<std::string> lines;
  std::vector<std::string> frames;
  std::vector<std::string> freer;   // the frames below kFreedFrom
  std::vector<std::string> around;  // the rows below kAround
};

std::vector<Report> ReportsIn(const std::string& text) {
  std::vector<Report> reports;
  std::string heading;
  for (const std::string& line : Lines(text)) {
    if (line.compare(0, 9, "mymalloc[") == 0 || reports.empty()) reports.emplace_back();
    Report& report = reports.back();
    if (line.compare(0, 4, "    ") == 0) {
      (heading == kFreedFrom ? report.freer
       : heading == kAround  ? report.around
                             : report.frames)
          .push_back(line);
      continue;
    }
    heading = line;
    if (line != "  stack:" && line != kAround) report.lines.push_back(line);
  }
  return reports;
}

// A block that is in a slot begins where that slot does. Leaves "slot S of page P".
std::string WithCheckedSlot(const std::string& line) {
  static const std::regex kSlot(
      R"(\[0x([0-9a-f]+), .* ([0-9]+) usable bytes.*; slot ([0-9]+) of page 0x([0-9a-f]+))");
  static const std::regex kPlace("slot [0-9]+ of page 0x[0-9a-f]+");
  std::smatch found;
  if (!std::regex_search(line, found, kSlot)) return line;
  // Where the usable size is what was asked for, a slot has some more.
  const uint64_t offset = std::stoull(found[1], nullptr, 16) - std::stoull(found[4], nullptr, 16);
  const uint64_t slot = std::stoull(found[3]);
  EXPECT_EQ(offset % (16 * slot), 0u) << line;
  EXPECT_GE(offset / slot, std::stoull(found[2]) + 8) << line;
  return std::regex_replace(line, kPlace, "slot S of page P");
}

// "+48: 00 01 ...": bytes by their offset.
std::map<int64_t, std::string> BytesIn(const std::vector<std::string>& rows) {
  static const std::regex kRow(R"(    [+-]([0-9]+):((   | [0-9a-f]{2}){16})  (.{1,16}))");
  std::map<int64_t, std::string> bytes;
  for (const std::string& row : rows) {
    std::smatch found;
    if (!std::regex_match(row, found, kRow)) ADD_FAILURE() << row;
    const int64_t first = (row[4] == '-' ? -1 : 1) * std::stoll(found[1]);
    const std::string digits = found[2];
    for (int i = 0; i < 16; ++i) {
      const std::string byte = digits.substr(static_cast<size_t>(3 * i + 1), 2);
      if (byte != "  ") bytes[first + i] = byte;
    }
  }
  return bytes;
}

// What lies around what was overwritten has that in it, and bytes of the block before and behind
// it, but none of another's.
void CheckAround(const std::string& written, const Report& report, uint64_t usable) {
  static const std::regex kWritten(
      "  overwritten: ([0-9]+) bytes?, from offset (-?[0-9]+) on:(.*)");
  std::smatch found;
  ASSERT_TRUE(std::regex_match(written, found, kWritten)) << written;
  const int64_t offset = std::stoll(found[2]);
  const int64_t end = offset + std::stoll(found[1]);
  const std::map<int64_t, std::string> bytes = BytesIn(report.around);
  ASSERT_FALSE(bytes.empty());
  std::string rest = found[3];
  for (int64_t at = offset; rest.size() >= 3 && std::isxdigit(rest[1]) != 0; ++at) {
    const auto byte = bytes.find(at);
    ASSERT_NE(byte, bytes.end()) << at;
    EXPECT_EQ(" " + byte->second, rest.substr(0, 3)) << at;
    rest = rest.substr(3);
  }
  const auto size = static_cast<int64_t>(usable);
  for (const auto& [at, byte] : bytes) {
    EXPECT_TRUE((at >= 0 && at < size) || (at >= offset && at < end)) << at;
  }
  EXPECT_EQ(bytes.count(offset - 1), offset > 0 && offset <= size ? 1u : 0u);
}

void CheckReport(const Run& run, const Report& report, const Facts& facts) {
  std::vector<std::string> lines;
  for (const std::string& line : report.lines) {
    const bool written = line.compare(0, 15, "  overwritten: ") == 0;
    if (written && run.expected().block != "*") {
      CheckAround(line, report, facts.Of("block_usable"));
    }
    if (written && run.expected().written.empty()) continue;
    if (run.expected().block == "*" && line == kNextStep) continue;
    const bool any = run.expected().block == "*" && line.compare(0, 9, "  block: ") == 0;
    lines.push_back(any ? kAnyBlock : WithCheckedSlot(line));
  }
  const bool perhaps = run.expected().freer == Expectation::kPerhaps;
  const bool tells_freer = perhaps ? !report.freer.empty() : TellsFreer(run, facts);
  const bool tells_maker = perhaps ? lines[1].find(" by ") != std::string::npos : TellsMaker(run);
  EXPECT_THAT(lines,
              testing::ElementsAreArray(ExpectedLines(run, facts, tells_freer, tells_maker)));
  const auto in_program = testing::MatchesRegex("    #0 0x[0-9a-f]+: /.*/" + run.program +
                                                "_program\\+0x[0-9a-f]+ \\(build id [0-9a-f]+\\)");
  if (tells_freer) {
    EXPECT_THAT(report.freer, testing::ElementsAre(in_program));
  }
  if (!run.expected().by_program) return;
  // The program itself made the call, or the access.
  ASSERT_FALSE(report.frames.empty());
  EXPECT_THAT(report.frames[0], in_program);
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Run& run) {
  return out << run.program << " " << run.test_case.name << ", " << run.mode.name;
}

std::vector<Run> RunsOf(const std::string& program, const std::vector<Case>& cases,
                        const std::vector<Mode>& modes) {
  std::vector<Run> runs;
  for (const Case& test_case : cases) {
    for (const Mode& mode : modes) {
      const Run run = {program, test_case, mode};
      if (run.expected().ending != Expectation::kNotPromised) runs.push_back(run);
    }
  }
  return runs;
}

std::string NameOf(const testing::TestParamInfo<Run>& info) {
  return std::string(info.param.test_case.name) + "_" + info.param.mode.name;
}

void Check(const Run& run) {
  const Expectation& expected = run.expected();
  const Outcome outcome = RunCase(run);
  SCOPED_TRACE(outcome.Describe() + "\nstdout: " + outcome.output);
  ASSERT_FALSE(outcome.timed_out);
  const bool goes_on = expected.ending == Expectation::kPasses ||
                       (expected.ending == Expectation::kReports && run.mode.warn);
  if (goes_on) {
    ASSERT_EQ(outcome.status, 0);
  } else {
    ASSERT_TRUE(WIFSIGNALED(outcome.status));
    ASSERT_EQ(WTERMSIG(outcome.status),
              expected.ending == Expectation::kFaults ? SIGSEGV : SIGABRT);
  }
  const std::vector<Report> reports = ReportsIn(outcome.errors);
  if (expected.ending == Expectation::kPasses) {
    EXPECT_TRUE(reports.empty());
    return;
  }
  ASSERT_FALSE(reports.empty());
  if (expected.once || !run.mode.warn) {
    EXPECT_EQ(reports.size(), 1u);
  }
  CheckReport(run, reports[0], Facts(outcome.output));
}

void CheckNames(const std::string& program, const std::vector<Case>& cases) {
  Command command;
  command.arguments = {PathOf(program)};
  const Outcome outcome = RunProgram(command);
  ASSERT_TRUE(outcome.Succeeded()) << outcome.Describe();
  std::vector<std::string> names;
  for (const Case& test_case : cases) names.emplace_back(test_case.name);
  EXPECT_THAT(Lines(outcome.output), testing::UnorderedElementsAreArray(names));
}

}  // namespace mymalloc::test
