// The command tells of a program exactly what that has: while it runs, of its core, of a snapshot,
// and in each mode.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <map>
#include <string>

#include "tests/command/support.h"
#include "tests/look/running_program.h"
#include "tests/support/process.h"
#include "tests/support/scratch_directory.h"
#include "tools/command/heap_map.h"

namespace mymalloc::test {
namespace {

using ::testing::HasSubstr;
using Environment = std::map<std::string, std::string>;

const std::vector<std::string> kZoo = {"zoo", "1000", "500", "300", "200", "4"};

std::string Output(const std::vector<std::string>& arguments) {
  const Outcome outcome = RunMymalloc(arguments);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  return outcome.output;
}

std::string TypeKey(const std::string& type) { return "\"type\":\"" + type + "\""; }

// Of all pages of a map.
long BlocksOnMap(const command::HeapMap& map, const std::string& type) {
  long blocks = 0;
  for (const command::MappedPage& page : map.pages) {
    for (const command::TypeRun& run : page.types) {
      if (map.types[run.type] == type) blocks += run.blocks;
    }
  }
  return blocks;
}

// Of all groups: where blocks are sampled, some have other sizes than their like.
long SumIn(const std::string& json, const std::string& key) {
  const std::string quoted = "\"" + key + "\":";
  long sum = 0;
  for (size_t at = json.find(quoted); at != std::string::npos; at = json.find(quoted, at + 1)) {
    sum += std::strtol(json.c_str() + at + quoted.size(), nullptr, 10);
  }
  return sum;
}

// `target`: the zoo, in one form or another.
void ExpectZoo(const std::string& target) {
  SCOPED_TRACE(target);
  const std::string types = Output({"types", target, "--format=json", "--limit=0"});
  EXPECT_EQ(NumberIn(types, "blocks", TypeKey("class zoo::Circle")), 1000) << types;
  EXPECT_EQ(NumberIn(types, "blocks", TypeKey("class zoo::Square")), 500);
  EXPECT_GE(NumberIn(types, "blocks", TypeKey("text")), 300);
  EXPECT_LE(NumberIn(types, "blocks", TypeKey("text")), 310);
  // Of each of the four rings two blocks begin with a pointer and one with zero.
  EXPECT_GE(NumberIn(types, "blocks", TypeKey("zero")), 204);

  const std::string leaks = Output({"leaks", target, "--format=json"});
  // Of the four rings one may have left its address in memory that libc has got since and not
  // written to: who marks what is reached cannot know that nobody reads it there.
  const long rings = NumberIn(leaks, "direct_blocks");
  EXPECT_GE(rings, 3) << leaks;
  EXPECT_LE(rings, 4) << leaks;
  EXPECT_EQ(NumberIn(leaks, "leaked_blocks"), 3 * rings) << leaks;
  EXPECT_EQ(SumIn(leaks, "indirect_blocks"), 2 * rings) << leaks;

  EXPECT_THAT(Output({"check", target}), HasSubstr("all sound"));
  const std::string map = Output({"map", target, "--format=json"});
  const std::string stats = Output({"stats", target, "--format=json"});
  // Those of sampled blocks lie on no page.
  const long sampled = NumberIn(stats, "blocks", "\"sampled\"");
  command::HeapMap read;
  ASSERT_EQ(command::ParseHeapMap(map, &read), "");
  for (const std::string type : {"class zoo::Circle", "class zoo::Square", "text"}) {
    const long blocks = NumberIn(types, "blocks", TypeKey(type));
    EXPECT_LE(BlocksOnMap(read, type), blocks) << type;
    EXPECT_GE(BlocksOnMap(read, type), blocks - sampled) << type;
  }
  EXPECT_EQ(NumberIn(stats, "blocks", "\"live\""), NumberIn(map, "live_blocks"));
  EXPECT_EQ(NumberIn(stats, "blocks", "\"live\""), NumberIn(leaks, "live_blocks"));
}

class OracleTest : public ::testing::TestWithParam<Environment> {};

TEST_P(OracleTest, OfALiveProcess) {
  const RunningProgram zoo(kZoo, GetParam());
  ASSERT_TRUE(zoo.is_ready());
  ExpectZoo(zoo.name());
}

TEST_P(OracleTest, OfAStoppedProcess) {
  const RunningProgram zoo(kZoo, GetParam());
  ASSERT_TRUE(zoo.is_ready());
  kill(zoo.pid(), SIGSTOP);
  ExpectZoo(zoo.name());
}

TEST_P(OracleTest, OfASnapshot) {
  const ScratchDirectory scratch;
  const std::string snapshot = scratch.path() + "/zoo.snapshot";
  {
    const RunningProgram zoo(kZoo, GetParam());
    ASSERT_TRUE(zoo.is_ready());
    EXPECT_THAT(Output({"snapshot", zoo.name(), "--output", snapshot}), HasSubstr("was stopped"));
    const std::string told =
        Output({"snapshot", zoo.name(), "--output", snapshot, "--format=json"});
    EXPECT_EQ(NumberIn(told, "file_bytes"), static_cast<long>(ReadFile(snapshot).size())) << told;
    EXPECT_GT(NumberIn(told, "stopped_microseconds"), 0) << told;
  }
  ExpectZoo(snapshot);
}

TEST_P(OracleTest, OfACoreFile) {
  if (FindProgram("gcore").empty()) GTEST_SKIP() << "gcore is not installed (package gdb)";
  const ScratchDirectory scratch;
  std::string core = scratch.path() + "/core";
  {
    const RunningProgram zoo(kZoo, GetParam());
    ASSERT_TRUE(zoo.is_ready());
    Command command;
    command.arguments = {"gcore", "-o", core, zoo.name()};
    if (!RunProgram(command).Succeeded()) GTEST_SKIP() << "gcore may not look into processes here";
    core += "." + zoo.name();
  }
  ExpectZoo(core);
}

TEST_P(OracleTest, Addresses) {
  RunningProgram zoo(kZoo, GetParam());
  ASSERT_TRUE(zoo.is_ready());
  const std::string shape = Output({"find", zoo.name(), zoo.Said("shape"), "--referrers"});
  EXPECT_THAT(shape, HasSubstr("looks like: class zoo::Circle"));
  EXPECT_THAT(shape, HasSubstr("pointed to by 1 words"));
  EXPECT_THAT(shape, HasSubstr(": live\n"));
  const std::string text = Output({"find", zoo.name(), zoo.Said("text"), "--format=json"});
  EXPECT_THAT(text, HasSubstr("\"state\":\"live\""));
  EXPECT_THAT(text, HasSubstr("\"text\":\"aaaaaaaa"));
  EXPECT_THAT(Output({"find", zoo.name(), "10"}), HasSubstr("nothing is mapped there"));
  EXPECT_THAT(Output({"find", zoo.name(), zoo.Said("everything"), "--referrers"}),
              HasSubstr("everything (zoo)"));
}

INSTANTIATE_TEST_SUITE_P(Modes, OracleTest,
                         ::testing::Values(Environment{}, Environment{{"MYMALLOC_HARDEN", "1"}},
                                           Environment{{"MYMALLOC_SAMPLE", "20"}},
                                           Environment{{"MYMALLOC_CHECKED", "1"}}));

TEST(DiffTest, SaysWhatGrew) {
  const RunningProgram before({"zoo", "10", "20", "30", "40"});
  const RunningProgram after({"zoo", "15", "18", "30", "40"});
  ASSERT_TRUE(before.is_ready() && after.is_ready());
  const std::string diff = Output({"diff", before.name(), after.name(), "--format=json"});
  EXPECT_EQ(NumberIn(diff, "blocks", "class zoo::Circle"), 5) << diff;
  EXPECT_EQ(NumberIn(diff, "blocks", "class zoo::Square"), -2);
}

TEST(PsTest, ListsIt) {
  const RunningProgram zoo({"zoo", "10", "20", "30", "40"});
  ASSERT_TRUE(zoo.is_ready());
  const std::string list = Output({"ps", "--format=json"});
  EXPECT_GT(NumberIn(list, "live_blocks", "\"pid\":" + zoo.name() + ","), 100) << list;
}

}  // namespace
}  // namespace mymalloc::test
