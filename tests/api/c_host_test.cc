// operator new in a C++ library that a C program loads: the C++ library's functions are there, but
// were not when libmymalloc.so was loaded.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

using Plugins = std::vector<std::string>;

Outcome RunHost(const Plugins& plugins, const std::string& library) {
  Command command;
  command.arguments = {DataFile("tests/api/c_host")};
  for (const std::string& plugin : plugins) {
    command.arguments.push_back(DataFile("tests/api/" + plugin));
  }
  command.limits = {{RLIMIT_AS, size_t{1} << 30}};  // so that memory can run out
  if (!library.empty()) command.preload = {library};
  return RunProgram(command);
}

void ExpectTheSameAsWithoutThePreload(const Plugins& plugins) {
  const Outcome plain = RunHost(plugins, "");
  ASSERT_TRUE(plain.Succeeded()) << plain.Describe();
  EXPECT_NE(plain.output.find("plain: bad_alloc after 3 calls"), std::string::npos);
  EXPECT_NE(plain.output.find("plain: a block after 1 calls that freed"), std::string::npos);
  const Outcome preloaded = RunHost(plugins, LibraryUnderTest());
  EXPECT_TRUE(preloaded.Succeeded()) << preloaded.Describe();
  EXPECT_EQ(preloaded.output, plain.output);
}

TEST(CHost, HandlersAreCalledAndExceptionsThrownAsWithoutThePreload) {
  ExpectTheSameAsWithoutThePreload({"cxx_plugin.so"});
}

TEST(CHost, AndInALibraryThatHasTheCxxLibraryInside) {
  ExpectTheSameAsWithoutThePreload({"static_cxx_plugin.so"});
  // Also where there is another C++ library.
  ExpectTheSameAsWithoutThePreload({"cxx_plugin.so", "static_cxx_plugin.so"});
  ExpectTheSameAsWithoutThePreload({"static_cxx_plugin.so", "cxx_plugin.so"});
}

}  // namespace
}  // namespace mymalloc::test
