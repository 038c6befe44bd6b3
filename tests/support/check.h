// CHECK for places where a failure must neither allocate nor unwind: forked children, signal
// handlers, programs that have run out of memory.

#ifndef MYMALLOC_TESTS_SUPPORT_CHECK_H_
#define MYMALLOC_TESTS_SUPPORT_CHECK_H_

#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace mymalloc::test {

inline void WriteError(const char* text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) abort();
}

[[noreturn]] inline void CheckFailed(const char* place, const char* condition) {
  WriteError(place);
  WriteError(": CHECK failed: ");
  WriteError(condition);
  WriteError("\n");
  abort();
}

}  // namespace mymalloc::test

#define MYMALLOC_TEST_STRING_(x) #x
#define MYMALLOC_TEST_STRING(x) MYMALLOC_TEST_STRING_(x)
#define MYMALLOC_CHECK(condition) \
  ((condition)                    \
       ? static_cast<void>(0)     \
       : ::mymalloc::test::CheckFailed(__FILE__ ":" MYMALLOC_TEST_STRING(__LINE__), #condition))

#endif  // MYMALLOC_TESTS_SUPPORT_CHECK_H_
