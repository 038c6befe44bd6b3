// A whole shell session, in which somebody exports LD_PRELOAD and goes on working.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/preload/comparison.h"
#include "tests/support/library.h"
#include "tests/support/process.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

// What is typed: programs one by one, pipes, a file, a loop, a subshell, a job, a second shell.
constexpr char kWork[] = R"(
echo the session begins
seq 2000 | sort -r | awk '{ sum += $1 } END { print NR, sum }'
ls -l /usr/include/linux | tr a-z A-Z | grep -c H >headers; cat headers
for word in some words of a loop; do echo $word | rev; done
text=$(printf 'line %s\n' {1..500}); echo ${#text} | cat
(cd / && ls -d usr | sed s/usr/below/)
seq 300 >numbers & wait $!; tail -n 1 numbers
diff <(seq 5) <(seq 6)
sh -c 'seq 10 | head -n 3'
history | tail -n 1 | wc -l
exit
)";

Outcome RunSession(const std::string& input, const std::string& directory) {
  std::filesystem::create_directory(directory);
  Command command;
  command.arguments = {"bash", "--norc", "-i"};
  command.directory = directory;
  command.input = input;
  return RunProgram(command);
}

// The second bash reads on where the first has stopped.
std::string UnderPreload(const std::string& log_directory) {
  std::filesystem::create_directory(log_directory);
  return "export LD_PRELOAD=" + LibraryUnderTest() +
         " LD_DEBUG=files LD_DEBUG_OUTPUT=" + log_directory + "/process\nbash --norc -i\n";
}

TEST(Session, GoesOnAsItWouldWithout) {
  MYMALLOC_REQUIRE_PROGRAM("bash");
  const ScratchDirectory scratch;
  const std::string logs = scratch.path() + "/logs";
  const Outcome without = RunSession(kWork, scratch.path() + "/without");
  const Outcome with = RunSession(UnderPreload(logs) + kWork + "exit\n", scratch.path() + "/with");
  EXPECT_NE(without.output.find("2000 2001000\n"), std::string::npos) << without.Describe();
  EXPECT_EQ(without.output, with.output) << with.Describe();
  EXPECT_EQ(with.errors.find("mymalloc["), std::string::npos) << with.errors;
  ExpectAllLoaded(logs, 20);
}

}  // namespace
}  // namespace mymalloc::test
