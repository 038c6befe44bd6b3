// Programs that give up what they are, or enter a namespace: possible, and safe, only if the
// process has no thread that libc does not know of.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/preload/comparison.h"
#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

constexpr int kCannotTry = 77;  // As privileges_program has it.

std::string Program() { return DataFile("tests/daemons/privileges_program"); }

Command Preloaded(std::vector<std::string> arguments) {
  Command command;
  command.arguments = std::move(arguments);
  command.environment = OwnOptions();
  if (!LibraryUnderTest().empty()) command.preload = {LibraryUnderTest()};
  return command;
}

bool CouldNotTry(const Outcome& outcome) {
  return WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == kCannotTry;
}

void ExpectWell(const std::string& mode) {
  const Outcome outcome = RunProgram(Preloaded({Program(), mode}));
  if (CouldNotTry(outcome)) GTEST_SKIP() << "not possible here: " << outcome.errors;
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
}

TEST(Privileges, AreDropped) { ExpectWell("drop"); }

TEST(Privileges, AreDroppedByAllThreads) { ExpectWell("drop_threaded"); }

TEST(Namespace, IsEntered) { ExpectWell("unshare"); }

// The command, inside of a container.
std::vector<std::string> InBwrap(const std::vector<std::string>& command) {
  std::vector<std::string> arguments = {
      "bwrap", "--unshare-all",     "--dev-bind",   "/", "/", "--proc",
      "/proc", "--die-with-parent", "--new-session"};
  arguments.insert(arguments.end(), command.begin(), command.end());
  return arguments;
}

TEST(Namespace, BwrapMakesOne) {
  MYMALLOC_REQUIRE_PROGRAM("bwrap");
  Command plain = Preloaded(InBwrap({"true"}));
  plain.preload.clear();
  const Outcome possible = RunProgram(plain);
  if (!possible.Succeeded()) GTEST_SKIP() << "bwrap cannot work here: " << possible.errors;
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"bwrap", "--dev-bind", "/", "/", "true"}, InBwrap({"true"}),
        InBwrap({Program(), "heap"}), InBwrap({Program(), "unshare"})}) {
    const Outcome outcome = RunProgram(Preloaded(arguments));
    if (CouldNotTry(outcome)) continue;
    EXPECT_TRUE(outcome.Succeeded()) << arguments.back() << ": " << outcome.Describe();
  }
}

// From 3.12 on Python warns of a fork in a process of several threads, whoever made them: it counts
// the tasks, as this does where it does not.
constexpr char kFork[] = R"(
import os
for _ in range(2):
    blocks = [bytes(size) for size in range(1, 100000, 100)]
    words = [str(number) for number in range(100000)]
    del blocks, words
tasks = os.listdir('/proc/self/task')
assert len(tasks) == 1, tasks
child = os.fork()
if child == 0:
    words = [str(number) for number in range(100000)]
    os._exit(len(os.listdir('/proc/self/task')))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
)";

TEST(Python, ForksWithoutAWarning) {
  MYMALLOC_REQUIRE_PROGRAM("python3");
  for (const char* allocator : {"pymalloc", "malloc"}) {
    Command command = Preloaded({"python3", "-W", "error", "-c", kFork});
    command.environment["PYTHONMALLOC"] = allocator;
    const Outcome outcome = RunProgram(command);
    EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
    EXPECT_EQ(outcome.output, "1\n");
    EXPECT_EQ(outcome.errors, "");
  }
}

}  // namespace
}  // namespace mymalloc::test
