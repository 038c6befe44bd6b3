// Programs that allocate from their first breath to their last, alone and with other preloaded
// libraries before and behind the library.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

std::string ConstructorLibrary() { return DataFile("tests/robust/constructor_library.so"); }
std::string WrapLibrary() { return DataFile("tests/robust/wrap_library.so"); }

Outcome RunUnder(std::vector<std::string> preload, std::vector<std::string> arguments) {
  Command command;
  command.arguments = std::move(arguments);
  command.preload = std::move(preload);
  return RunProgram(command);
}

Outcome RunEarlyProgram(const std::string& mode, std::vector<std::string> preload) {
  return RunUnder(std::move(preload), {DataFile("tests/robust/early_program"), mode});
}

constexpr char kWholeLife[] = "main\nhandler\nglobal\ndestructor\n";

TEST(Lifetime, FromPreinitToTheLastDestructor) {
  const Outcome outcome = RunEarlyProgram("exit", {LibraryUnderTest()});
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(outcome.output, kWholeLife);
}

TEST(Lifetime, FromAnIfuncResolver) {
  const Outcome outcome = RunUnder({LibraryUnderTest()}, {DataFile("tests/robust/ifunc_program")});
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
}

TEST(Lifetime, EndedByUnderscoreExit) {
  const Outcome outcome = RunEarlyProgram("_exit", {LibraryUnderTest()});
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(outcome.output, "main\n");
}

TEST(Lifetime, EndedByQuickExit) {
  const Outcome outcome = RunEarlyProgram("quick_exit", {LibraryUnderTest()});
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(outcome.output, "main\nhandler\n");
}

TEST(Lifetime, EndedWhileOtherThreadsAllocate) {
  for (int i = 0; i < 10; ++i) {
    const Outcome outcome = RunEarlyProgram("threads", {LibraryUnderTest()});
    ASSERT_TRUE(outcome.Succeeded()) << outcome.Describe();
    ASSERT_EQ(outcome.output, kWholeLife);
  }
}

TEST(OtherLibraries, ConstructorsAndDestructorsAllocate) {
  for (const std::vector<std::string>& preload :
       {std::vector<std::string>{LibraryUnderTest(), ConstructorLibrary()},
        std::vector<std::string>{ConstructorLibrary(), LibraryUnderTest()}}) {
    const Outcome outcome = RunEarlyProgram("exit", preload);
    EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
    EXPECT_EQ(outcome.output, std::string(kWholeLife) + "library\n");
  }
}

TEST(OtherLibraries, AWrapperBeforeIt) {
  const Outcome outcome = RunEarlyProgram("exit", {WrapLibrary(), LibraryUnderTest()});
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(outcome.output, kWholeLife);
  EXPECT_EQ(outcome.errors, "wrapped: " + LibraryUnderTest() + "\n");
}

TEST(OtherLibraries, AWrapperBehindIt) {
  const Outcome outcome = RunEarlyProgram("exit", {LibraryUnderTest(), WrapLibrary()});
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  EXPECT_EQ(outcome.output, kWholeLife);
}

TEST(OtherLibraries, AWrapperBeforeItInPython) {
  if (FindProgram("python3").empty()) GTEST_SKIP() << "python3 is not installed";
  Command command;
  command.arguments = {"python3", "-c",
                       "import json; print(len(json.dumps([{str(i): i} for i in range(20000)])))"};
  command.environment["PYTHONMALLOC"] = "malloc";
  const Outcome plain = RunProgram(command);
  command.preload = {WrapLibrary(), LibraryUnderTest()};
  const Outcome wrapped = RunProgram(command);
  EXPECT_TRUE(wrapped.Succeeded()) << wrapped.Describe();
  EXPECT_EQ(wrapped.output, plain.output);
  EXPECT_NE(wrapped.errors.find("wrapped: " + LibraryUnderTest()), std::string::npos)
      << wrapped.errors;
}

}  // namespace
}  // namespace mymalloc::test
