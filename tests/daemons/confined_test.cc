// The heap where a sandbox allows no more system calls than glibc's malloc needs: with a filter
// that kills for others, with one that refuses them, and without /proc.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

Command Confined(const std::string& work, const std::string& verdict) {
  Command command;
  command.arguments = {DataFile("tests/daemons/confined_program"), work, verdict};
  command.environment = OwnOptions();
  command.environment["MYMALLOC_DECAY"] = "20ms";
  // glibc's further arenas read a file of /proc when they shrink: even its malloc would be killed.
  command.environment["MALLOC_ARENA_MAX"] = "1";
  if (!LibraryUnderTest().empty()) command.preload = {LibraryUnderTest()};
  return command;
}

Command WithoutProc(const Command& command) {
  Command covered = command;
  covered.arguments = {"unshare", "--mount", "sh", "-c",
                       "mount -t tmpfs none /proc && exec \"$0\" \"$@\""};
  covered.arguments.insert(covered.arguments.end(), command.arguments.begin(),
                           command.arguments.end());
  return covered;
}

bool CanCoverProc() {
  Command look;
  look.arguments = {"test", "!", "-e", "/proc/self"};
  return !FindProgram("unshare").empty() && RunProgram(WithoutProc(look)).Succeeded();
}

using Confinement = std::pair<const char*, const char*>;

class ConfinedTest : public testing::TestWithParam<Confinement> {};

std::string Name(const testing::TestParamInfo<Confinement>& info) {
  return std::string(info.param.first) + "_" + info.param.second;
}

TEST_P(ConfinedTest, Survives) {
  const auto& [work, verdict] = GetParam();
  const Outcome outcome = RunProgram(Confined(work, verdict));
  if (outcome.Succeeded()) return;
  ADD_FAILURE() << outcome.Describe() << "\nwith a filter that explains: "
                << RunProgram(Confined(work, "explain")).Describe();
}

constexpr Confinement kConfinements[] = {
    {"alone", "kill"},          {"alone", "eperm"},
    {"alone", "enosys"},        {"alone", "own"},
    {"alone", "advice"},        {"beside_threads", "kill"},
    {"beside_threads", "own"},  {"beside_threads", "advice"},
    {"ending_threads", "kill"}, {"ending_threads", "eperm"},
    {"ending_threads", "own"},
};

INSTANTIATE_TEST_SUITE_P(Filter, ConfinedTest, testing::ValuesIn(kConfinements), Name);

// What is used again costs no system call at all, unless so much is not to stay when it is free:
// its memory is still there. (Or held back, in hardened mode.)
TEST(Reuse, OfLongBlocksMakesNoSystemCall) {
  for (const char* const size : {"100000", "1000000", "3000000", "9000000", "20000000"}) {
    Command command = Confined(std::string("reuse_") + size, "silent");
    command.environment["MYMALLOC_DECAY"] = "3600s";
    const Outcome outcome = RunProgram(command);
    EXPECT_TRUE(outcome.Succeeded()) << size << ": " << outcome.Describe();
  }
}

// Were it otherwise, these tests would see it.
TEST(Filter, SeesWhatTheAllocatorDoes) {
  const Outcome outcome = RunProgram(Confined("alone", "silent"));
  EXPECT_FALSE(outcome.Succeeded());
  EXPECT_NE(outcome.errors.find("is not allowed"), std::string::npos) << outcome.Describe();
}

TEST(WithoutProc, SurvivesFilters) {
  if (!CanCoverProc()) GTEST_SKIP() << "/proc cannot be covered here";
  for (const char* verdict : {"none", "eperm", "kill"}) {
    const Outcome outcome = RunProgram(WithoutProc(Confined("beside_threads", verdict)));
    EXPECT_TRUE(outcome.Succeeded()) << verdict << ": " << outcome.Describe();
  }
}

// What the kernel may not be asked after the first block, it need not answer before it either.
TEST(Denied, StartsAllTheSame) {
  Command command = Confined("", "");
  command.arguments = {DataFile("tests/daemons/privileges_program"), "heap_denied"};
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(outcome.errors, "");
}

}  // namespace
}  // namespace mymalloc::test
