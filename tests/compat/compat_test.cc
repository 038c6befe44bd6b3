// Programs that are linked with jemalloc or tcmalloc and ask questions of it: `mymalloc run` has
// them answered by the heap that they run on.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <sstream>
#include <string>
#include <thread>

#include "tests/command/support.h"
#include "tests/support/library.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

constexpr unsigned long kMegabyte = 1 << 20;

// The numbers that the program says, by their names.
std::map<std::string, unsigned long> Numbers(const std::string& output) {
  std::map<std::string, unsigned long> numbers;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    unsigned long number;
    if (words >> name >> number) numbers[name] = number;
  }
  return numbers;
}

Outcome RunWithCompat(const std::string& program) {
  return RunMymalloc({"run", "--", DataFile("tests/compat/" + program)});
}

TEST(Compat, AnswersForJemalloc) {
  const Outcome outcome = RunWithCompat("asks_jemalloc");
  ASSERT_TRUE(outcome.Succeeded()) << outcome.Describe() << outcome.output;
  std::map<std::string, unsigned long> said = Numbers(outcome.output);
  EXPECT_EQ(said.count("failed") + said.count("epoch_failed"), 0u) << outcome.output;
  EXPECT_GE(said["allocated_grew_by"], kMegabyte);
  EXPECT_LT(said["allocated_grew_by"], kMegabyte + kMegabyte / 4);
  EXPECT_LT(said["allocated_fell_to_within"], 64 * 1024u);
  EXPECT_EQ(said["path_length"], 4u);
  EXPECT_LT(said["resident_after"], 4 * kMegabyte);
  for (const char* const name :
       {"active_is_more", "resident_is_more", "mapped_is_more", "aligned", "zero", "kept",
        "rest_is_zero", "sizes_agree", "stays", "path_found", "by_path", "unknown_is_enoent",
        "inner_is_enoent", "wrong_length_is_einval", "not_written_is_eperm", "purged", "all_purged",
        "no_such_arena"}) {
    EXPECT_EQ(said[name], 1u) << name;
  }
  EXPECT_THAT(outcome.output, ContainsRegex("text Version: 5\\.3\\.0-0-g0 \\(mymalloc "));
  EXPECT_THAT(outcome.output, ContainsRegex("\\{\"jemalloc\":\\{.*\"allocated\":[0-9]+,"));
}

// The program's own ledger agrees with jemalloc: so it is right about what is counted there.
TEST(Compat, CountsAThreadAsJemallocDoes) {
  Command command;
  command.arguments = {DataFile("tests/compat/counts_threads"), "on-jemalloc"};
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe() << outcome.output;
}

class CompatCounts : public testing::TestWithParam<const char*> {};

TEST_P(CompatCounts, OfAThread) {
  const Outcome outcome = RunMymalloc({"run", std::string("--options=") + GetParam(), "--",
                                       DataFile("tests/compat/counts_threads")});
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe() << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("all counted"));
}

INSTANTIATE_TEST_SUITE_P(InAllModes, CompatCounts,
                         testing::Values("decay=500ms", "harden=1", "sample=10", "sample=2000",
                                         "checked=1", "check_ends=1", "harden=1:sample=20"));

TEST(Compat, AnswersForTcmalloc) {
  const Outcome outcome = RunWithCompat("asks_tcmalloc");
  ASSERT_TRUE(outcome.Succeeded()) << outcome.Describe() << outcome.output;
  std::map<std::string, unsigned long> said = Numbers(outcome.output);
  EXPECT_EQ(said.count("failed"), 0u) << outcome.output;
  EXPECT_GE(said["allocated_grew_by"], kMegabyte);
  EXPECT_LT(said["allocated_grew_by"], kMegabyte + kMegabyte / 4);
  for (const char* const name :
       {"heap_is_more", "owned", "not_owned", "size_is_enough", "unknown", "verified"}) {
    EXPECT_EQ(said[name], 1u) << name;
  }
  EXPECT_THAT(outcome.output, HasSubstr("text mymalloc "));
}

// Debian's redis-server is linked with jemalloc.
class Redis : public testing::Test {
 protected:
  Redis()
      : port_(FreePort()),
        server_(
            MymallocCommand({"run", "--", FindProgram("redis-server"), "--port", port_, "--save",
                             "", "--bind", "127.0.0.1", "--dir", directory_.path()})) {
    for (int i = 0; i < 100 && Ask({"ping"}).find("PONG") == std::string::npos; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  std::string Ask(std::vector<std::string> words, const std::string& input = "") const {
    Command command;
    command.arguments = {"redis-cli", "-p", port_};
    command.arguments.insert(command.arguments.end(), words.begin(), words.end());
    command.input = input;
    return RunProgram(command).output;
  }
  unsigned long Figure(const std::string& name) const {
    const std::string text = Ask({"info", "memory"});
    const size_t at = text.find("\n" + name + ":");
    return at == std::string::npos ? 0 : std::stoul(text.substr(at + name.size() + 2));
  }

  // The server looks at its allocator's figures ten times a second.
  bool Becomes(const std::string& name, unsigned long least, unsigned long most) const {
    for (int i = 0; i < 100; ++i) {
      const unsigned long figure = Figure(name);
      if (figure >= least && figure <= most) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  }

  const ScratchDirectory directory_;
  const std::string port_;
  BackgroundProcess server_;
};

TEST_F(Redis, TellsTheTruthOfItsMemory) {
  ASSERT_TRUE(Becomes("allocator_allocated", 1, ~0UL)) << Ask({"info", "memory"});
  // 50 MB in values of a thousand bytes.
  std::string commands;
  for (int i = 0; i < 50000; ++i) {
    commands += "set key" + std::to_string(i) + " " + std::string(1000, 'v') + "\n";
  }
  Ask({}, commands);
  EXPECT_TRUE(Becomes("allocator_allocated", 50 * kMegabyte, 75 * kMegabyte)) << Ask({"info"});
  EXPECT_TRUE(Becomes("allocator_resident", 50 * kMegabyte, 100 * kMegabyte)) << Ask({"info"});
  EXPECT_THAT(Ask({"memory", "malloc-stats"}), HasSubstr("Allocated: "));
  Ask({"flushall"});
  EXPECT_EQ(Ask({"memory", "purge"}), "OK\n");
  EXPECT_TRUE(Becomes("allocator_allocated", 1, 10 * kMegabyte)) << Ask({"info"});
  EXPECT_TRUE(Becomes("allocator_resident", 1, 25 * kMegabyte)) << Ask({"info"});
  Ask({"shutdown", "nosave"});
}

}  // namespace
}  // namespace mymalloc::test
