// What it costs a program to start with the library: /bin/true, in alternation with and without.

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/support/library.h"

namespace mymalloc::test {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr int kRuns = 200;
constexpr int kAttempts = 3;  // Noise only ever makes it look worse.
constexpr Milliseconds kMost{0.3};

Milliseconds TimeOfTrue(const std::string& environment) {
  std::string program = "/bin/true";
  std::string variable = environment;
  char* arguments[] = {program.data(), nullptr};
  char* variables[] = {variable.data(), nullptr};
  const auto start = std::chrono::steady_clock::now();
  pid_t pid = 0;
  EXPECT_EQ(posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments, variables), 0);
  int status = -1;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
  return std::chrono::steady_clock::now() - start;
}

Milliseconds Median(std::vector<Milliseconds> times) {
  std::nth_element(times.begin(), times.begin() + kRuns / 2, times.end());
  return times[kRuns / 2];
}

Milliseconds MedianCost() {
  std::vector<Milliseconds> with;
  std::vector<Milliseconds> without;
  for (int i = 0; i < kRuns; ++i) {
    without.push_back(TimeOfTrue("UNRELATED=" + LibraryUnderTest()));
    with.push_back(TimeOfTrue("LD_PRELOAD=" + LibraryUnderTest()));
  }
  return Median(with) - Median(without);
}

TEST(Startup, CostsAtMostThreeTenthsOfAMillisecond) {
  Milliseconds cost = MedianCost();
  for (int i = 1; i < kAttempts && cost > kMost; ++i) cost = std::min(cost, MedianCost());
  RecordProperty("milliseconds", std::to_string(cost.count()));
  printf("preloading costs %.3f ms\n", cost.count());
  EXPECT_LE(cost.count(), kMost.count());
}

}  // namespace
}  // namespace mymalloc::test
