// Servers that a test runs on 127.0.0.1.

#ifndef MYMALLOC_TESTS_SUPPORT_LOOPBACK_H_
#define MYMALLOC_TESTS_SUPPORT_LOOPBACK_H_

#include <string>

namespace mymalloc::test {

// A port that nobody listens on just now.
std::string FreePort();

// Whether somebody accepts connections on the port, now or soon.
bool AwaitListener(const std::string& port);

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_SUPPORT_LOOPBACK_H_
