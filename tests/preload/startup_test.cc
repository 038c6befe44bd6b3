// What it costs a program to start with the library: /bin/true, in alternation with and without.
// Against what its start costs anyway, as machines differ widely in that.

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
constexpr Milliseconds kAlwaysGood{0.2};
constexpr double kMostShare = 0.35;

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

struct Costs {
  Milliseconds bare;
  Milliseconds ours;
  bool Good() const { return ours <= kAlwaysGood || ours <= kMostShare * bare; }
};

Costs MedianCosts() {
  std::vector<Milliseconds> with;
  std::vector<Milliseconds> without;
  for (int i = 0; i < kRuns; ++i) {
    without.push_back(TimeOfTrue("UNRELATED=" + LibraryUnderTest()));
    with.push_back(TimeOfTrue("LD_PRELOAD=" + LibraryUnderTest()));
  }
  const Milliseconds bare = Median(without);
  return {bare, Median(with) - bare};
}

TEST(Startup, CostsAtMostAThirdOfAStart) {
  Costs costs = MedianCosts();
  for (int i = 1; i < kAttempts && !costs.Good(); ++i) costs = MedianCosts();
  RecordProperty("milliseconds", std::to_string(costs.ours.count()));
  printf("preloading costs %.3f ms beside %.3f\n", costs.ours.count(), costs.bare.count());
  EXPECT_TRUE(costs.Good()) << costs.ours.count() << " ms beside " << costs.bare.count();
}

}  // namespace
}  // namespace mymalloc::test
