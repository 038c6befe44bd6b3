// The library under test, and the other files that a test finds beside itself.

#ifndef MYMALLOC_TESTS_SUPPORT_LIBRARY_H_
#define MYMALLOC_TESTS_SUPPORT_LIBRARY_H_

#include <sys/types.h>

#include <string>

namespace mymalloc::test {

// The absolute path of a data dependency, given as in the source tree: "tests/robust/plugin.so".
std::string DataFile(const std::string& path);

// Names another library to test, or "none" for the system's own allocator: how one sees that a
// test can fail.
inline constexpr char kLibraryVariable[] = "TEST_MALLOC_LIBRARY";

// The absolute path of the library under test; empty if that is the system's own.
std::string LibraryUnderTest();

// Whether the process (this one, if 0) has the library mapped.
bool IsLoaded(const std::string& library, pid_t pid = 0);

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_SUPPORT_LIBRARY_H_
