// The soak in a few seconds, and whether it finds a leak.

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/soak/series.h"
#include "tests/support/library.h"
#include "tests/support/process.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

Outcome Soak(const std::string& csv, const std::vector<std::string>& more) {
  Command command;
  command.arguments = {DataFile("tests/soak/soak"), "10", csv, DataFile("tests/robust/plugin.so")};
  command.arguments.insert(command.arguments.end(), more.begin(), more.end());
  command.environment = OwnOptions();
  return RunProgram(command);
}

TEST(Soak, TenSecondsOfEverything) {
  const ScratchDirectory directory;
  const std::string csv = directory.path() + "/resident.csv";
  const Outcome outcome = Soak(csv, {});
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe() << outcome.output;
  std::ifstream file(csv);
  std::string line;
  size_t lines = 0;
  while (std::getline(file, line)) ++lines;
  EXPECT_GT(lines, 20u);
}

TEST(Soak, FindsALeak) {
  const ScratchDirectory directory;
  const Outcome outcome = Soak(directory.path() + "/resident.csv", {"--leak"});
  EXPECT_FALSE(outcome.Succeeded());
  EXPECT_NE(outcome.output.find("IT CREEPS"), std::string::npos)
      << outcome.Describe() << outcome.output;
}

Series SeriesOf(size_t (*value)(size_t index)) {
  Series series;
  for (size_t i = 0; i < 200; ++i) series.Add(value(i));
  return series;
}

TEST(Series, LooksAtMediansOnly) {
  EXPECT_FALSE(SeriesOf([](size_t) -> size_t { return 1000; }).Creeps(0));
  EXPECT_FALSE(SeriesOf([](size_t i) -> size_t { return 1000 + i * 31 % 500; }).Creeps(0));
  EXPECT_FALSE(SeriesOf([](size_t i) -> size_t { return i < 20 ? 1 : 1000; }).Creeps(0));
  EXPECT_FALSE(SeriesOf([](size_t i) -> size_t { return i % 20 == 0 ? 9000 : 1000; }).Creeps(0));
}

TEST(Series, SeesWhatCreeps) {
  EXPECT_TRUE(SeriesOf([](size_t i) -> size_t { return 1000 + 2 * i; }).Creeps(0));
  EXPECT_TRUE(SeriesOf([](size_t i) -> size_t { return i < 100 ? 1000 : 1200; }).Creeps(0));
  EXPECT_FALSE(SeriesOf([](size_t i) -> size_t { return 1000 + 2 * i; }).Creeps(1000));
}

}  // namespace
}  // namespace mymalloc::test
