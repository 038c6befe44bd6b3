// Everyday programs, preloaded: ls, bash, perl, sqlite3, git.

#include <gtest/gtest.h>

#include "tests/preload/comparison.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

TEST(Tools, Ls) {
  MYMALLOC_REQUIRE_PROGRAM("ls");
  Command command;
  command.arguments = {"ls", "-laR", "/usr/share/doc/bash", "/usr/include/linux"};
  ExpectSameUnderPreload(command);
}

TEST(Tools, SortOfManyLines) {
  MYMALLOC_REQUIRE_PROGRAM("sort");
  Command command;
  command.arguments = {"sort", "--parallel=4", "--buffer-size=1M"};
  for (unsigned i = 0; i < 100000; ++i) {
    command.input += std::to_string(i * 2654435761U) + "\n";
  }
  ExpectSameUnderPreload(command);
}

TEST(Tools, Bash) {
  MYMALLOC_REQUIRE_PROGRAM("bash");
  Command command;
  command.arguments = {"bash", Script("shell.sh")};
  ExpectSameUnderPreload(command, 10);
}

TEST(Tools, Perl) {
  MYMALLOC_REQUIRE_PROGRAM("perl");
  Command command;
  command.arguments = {"perl", Script("words.pl")};
  command.environment["PERL_HASH_SEED"] = "0";
  ExpectSameUnderPreload(command);
}

TEST(Tools, Sqlite) {
  MYMALLOC_REQUIRE_PROGRAM("sqlite3");
  Command command;
  command.arguments = {"sqlite3", "database", ".read " + Script("tables.sql")};
  ExpectSameUnderPreload(command);
}

TEST(Tools, Git) {
  MYMALLOC_REQUIRE_PROGRAM("git");
  MYMALLOC_REQUIRE_PROGRAM("bash");
  Command command;
  command.arguments = {"bash", Script("repository.sh")};
  ExpectSameUnderPreload(command, 15);
}

}  // namespace
}  // namespace mymalloc::test
