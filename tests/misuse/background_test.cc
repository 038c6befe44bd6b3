// Damage that no call asks about, and that is found while memory is given back, by whatever call
// comes when that is due: programs/background.cc has the cases.

#include <sys/wait.h>

#include <csignal>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

// Longer than the programs take to free their blocks and break some of them: what goes back before
// that is as it should be.
constexpr char kQuick[] = "sample=0:decay=200ms:";
constexpr char kNever[] = "sample=0:decay=60m:";

Outcome RunCase(const std::string& name, const std::string& options) {
  Command command;
  command.arguments = {DataFile("tests/misuse/background_program"), name};
  command.preload = {LibraryUnderTest()};
  command.environment["MYMALLOC_OPTIONS"] = options;
  return RunProgram(command);
}

const auto kReport = testing::ContainsRegex(
    "^mymalloc\\[[0-9]+\\.[0-9]+\\]: corrupted heap: found while giving memory back: "
    "0x[0-9a-f]+: the tag before a free block was overwritten\\.\n"
    "  block: \\[0x[0-9a-f]+, 0x[0-9a-f]+\\), 24 usable bytes, free; slot [0-9]+ of page ");

size_t ReportsIn(const std::string& text) {
  size_t reports = 0;
  for (size_t at = 0; (at = text.find("mymalloc[", at)) != std::string::npos; ++at) ++reports;
  return reports;
}

void ExpectAbort(const std::string& name, const std::string& options, const std::string& output) {
  const Outcome outcome = RunCase(name, options);
  SCOPED_TRACE(outcome.Describe() + "\nstdout: " + outcome.output);
  EXPECT_TRUE(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGABRT);
  EXPECT_EQ(outcome.output, output);
  EXPECT_THAT(outcome.errors, kReport);
  EXPECT_EQ(ReportsIn(outcome.errors), 1u);
}

TEST(BackgroundTest, EndsInAbort) { ExpectAbort("without_a_handler", kQuick, ""); }

// It may use errno, thread-local variables and the heap: no lock is held.
TEST(BackgroundTest, TheHandlerMayUseTheHeap) {
  ExpectAbort("with_a_handler", kQuick, "handled\n");
  ExpectAbort("with_a_handler", std::string(kQuick) + "harden=1", "handled\n");
}

// Whoever calls looks after the others' memory, too.
TEST(BackgroundTest, AnotherThreadFindsIt) {
  ExpectAbort("by_another_thread", kQuick, "handled\n");
}

TEST(BackgroundTest, EndsAfterAHandlerThatReturns) {
  ExpectAbort("with_a_handler_that_returns", kQuick, "handled\n");
}

TEST(BackgroundTest, EndsThoughTheSignalIsBlocked) {
  ExpectAbort("with_abort_blocked", kQuick, "handled\n");
}

TEST(BackgroundTest, EndsThoughTheSignalIsIgnored) {
  ExpectAbort("with_abort_ignored", kQuick, "");
}

// The thread that calls it finds it, and has no lock when its handler runs.
TEST(BackgroundTest, MallocTrimFindsItToo) { ExpectAbort("in_malloc_trim", kNever, "handled\n"); }

TEST(BackgroundTest, GoesOnIfAsked) {
  const Outcome outcome = RunCase("that_goes_on", std::string(kQuick) + "on_error=warn");
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_THAT(outcome.errors, kReport);
  EXPECT_GT(ReportsIn(outcome.errors), 10u);
}

}  // namespace
}  // namespace mymalloc::test
