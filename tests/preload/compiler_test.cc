// gcc and g++ and all that they start, preloaded; and what they made, preloaded too.

#include <gtest/gtest.h>

#include "tests/preload/comparison.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

void ExpectSameCompilation(const char* compiler, const char* source) {
  MYMALLOC_REQUIRE_PROGRAM(compiler);
  MYMALLOC_REQUIRE_PROGRAM("bash");
  Command command;
  command.arguments = {"bash", Script("compile.sh"), compiler, Script(source)};
  ExpectSameUnderPreload(command, 8);
}

TEST(Compiler, Gcc) { ExpectSameCompilation("gcc", "program.c"); }

TEST(Compiler, Gxx) { ExpectSameCompilation("g++", "program.cpp"); }

}  // namespace
}  // namespace mymalloc::test
