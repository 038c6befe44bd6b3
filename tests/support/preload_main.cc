// The main function of a GoogleTest that runs under the library: it executes itself anew with
// LD_PRELOAD set, makes sure that the library is there, and runs the tests.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/support/library.h"

namespace {

void ExecuteUnder(const std::string& library, char** arguments) {
  setenv("LD_PRELOAD", library.c_str(), 1);
  execv("/proc/self/exe", arguments);
  perror("execv");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string library = mymalloc::test::LibraryUnderTest();
  if (!library.empty() && !mymalloc::test::IsLoaded(library)) {
    if (getenv("LD_PRELOAD") == nullptr) ExecuteUnder(library, argv);
    fprintf(stderr, "%s could not be preloaded\n", library.c_str());
    return EXIT_FAILURE;
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
