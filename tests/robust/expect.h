// What the programs that a test runs say of themselves: a condition with the figures that speak for
// or against it, without a malloc.

#ifndef MYMALLOC_TESTS_ROBUST_EXPECT_H_
#define MYMALLOC_TESTS_ROBUST_EXPECT_H_

#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "tests/support/check.h"

namespace mymalloc::test {

// Writes the text to stderr, and ends the program unless the condition holds.
[[gnu::format(printf, 2, 3)]] inline void Expect(bool condition, const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  WriteError(condition ? "as expected: " : "NOT as expected: ");
  WriteError(text);
  WriteError("\n");
  if (!condition) _exit(EXIT_FAILURE);
}

struct NamedCase {
  const char* name;
  void (*run)();
};

// The main function of a program of several cases: runs the one that its argument names.
template <size_t kCount>
int RunNamedCase(const NamedCase (&cases)[kCount], int argc, char** argv) {
  MYMALLOC_CHECK(argc == 2);
  for (const NamedCase& named : cases) {
    if (strcmp(named.name, argv[1]) != 0) continue;
    named.run();
    return EXIT_SUCCESS;
  }
  CheckFailed(argv[1], "the name of a case");
}

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_ROBUST_EXPECT_H_
