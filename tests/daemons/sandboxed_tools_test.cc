// Tools that read what nobody vouches for, and so put themselves into a seccomp sandbox first. A
// violation ends them, and their output differs.

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/preload/comparison.h"
#include "tests/support/library.h"
#include "tests/support/process.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

// The filter kills for what ld.so's account needs: so the comparison is made here, without it.
void ExpectSame(const Command& command) {
  const Outcome without = RunProgram(command);
  ASSERT_TRUE(without.Succeeded()) << without.Describe();
  ASSERT_NE(without.output, "");
  Command preloaded = command;
  if (!LibraryUnderTest().empty()) preloaded.preload = {LibraryUnderTest()};
  const Outcome with = RunProgram(preloaded);
  EXPECT_TRUE(with.Succeeded()) << with.Describe();
  EXPECT_EQ(with.output, without.output);
  EXPECT_EQ(with.errors, without.errors);
}

// Some distributions build it without the sandbox: then it is a tool like others.
TEST(SandboxedTools, File) {
  MYMALLOC_REQUIRE_PROGRAM("file");
  for (const char* kind : {"--raw", "--mime", "--keep-going"}) {
    Command command;
    command.arguments = {"file",
                         kind,
                         "/bin/sh",
                         "/lib64/ld-linux-x86-64.so.2",
                         "/etc",
                         "/etc/passwd",
                         "/dev/null",
                         "/usr/share/misc/magic.mgc",
                         DataFile("tests/daemons/ftp_sessions.py")};
    ExpectSame(command);
  }
}

// Long enough to be more than what start-up has left over.
std::string Page() {
  std::string page = ".TH EXAMPLE 1\n.SH NAME\nexample \\- an example\n.SH DESCRIPTION\n";
  for (int i = 0; i < 500; ++i) {
    const std::string n = std::to_string(i);
    page += ".TP\n.B \\-\\-option" + n + "\nThe meaning of \\fIoption\\fR " + n +
            ", with words enough to fill more than a line, of which some are hyphenated.\n";
  }
  return page + ".TS\nl l.\na\tb\nc\td\n.TE\n";
}

TEST(SandboxedTools, Man) {
  MYMALLOC_REQUIRE_PROGRAM("man");
  MYMALLOC_REQUIRE_PROGRAM("gzip");
  MYMALLOC_REQUIRE_PROGRAM("groff");
  const ScratchDirectory scratch;
  const std::string page = scratch.path() + "/example.1";
  std::ofstream(page) << "'\\\" t\n" << Page();
  Command compress;
  compress.arguments = {"gzip", "--keep", page};
  ASSERT_TRUE(RunProgram(compress).Succeeded());
  for (const std::string& file : {page, page + ".gz"}) {
    Command command;
    command.arguments = {"man", "--local-file", "--pager=cat", "--warnings=w", file};
    command.environment["MANWIDTH"] = "72";
    ExpectSame(command);
  }
}

}  // namespace
}  // namespace mymalloc::test
