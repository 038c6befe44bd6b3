// A program's run without the library, held against its run with the library preloaded.

#ifndef MYMALLOC_TESTS_PRELOAD_COMPARISON_H_
#define MYMALLOC_TESTS_PRELOAD_COMPARISON_H_

#include <cstddef>
#include <string>

#include "tests/support/process.h"

namespace mymalloc::test {

// The command, changed to run under the library, with ld.so's account of what each process loads
// going to files in `log_directory`.
Command UnderPreload(Command command, const std::string& log_directory);

// Expects that at least `least` programs were started, and that each of them, by ld.so's own
// account, had the library loaded.
void ExpectAllLoaded(const std::string& log_directory, size_t least);

// Runs the command twice, each time in a new folder of the same name, and expects it to succeed, to
// write the same to stdout and stderr, and to have started at least `programs` programs.
void ExpectSameUnderPreload(Command command, size_t programs = 1);

// The path of a script of this folder.
std::string Script(const std::string& name);

}  // namespace mymalloc::test

// At the start of a test: what is not there is not tested, and one can see it.
#define MYMALLOC_REQUIRE_PROGRAM(name)               \
  if (::mymalloc::test::FindProgram(name).empty()) { \
    GTEST_SKIP() << (name) << " is not installed";   \
  }

#endif  // MYMALLOC_TESTS_PRELOAD_COMPARISON_H_
