// What the library shows to the world: the allowed names, all of them, and libc as its only need.

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/block.h"
#include "tests/support/library.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

using Names = std::set<std::string>;

const Names kLibcNames = {"malloc",       "calloc",
                          "realloc",      "free",
                          "reallocarray", "aligned_alloc",
                          "memalign",     "posix_memalign",
                          "valloc",       "pvalloc",
                          "cfree",        "malloc_usable_size",
                          "free_sized",   "free_aligned_sized",
                          "mallopt",      "mallinfo",
                          "mallinfo2",    "malloc_trim",
                          "malloc_stats", "malloc_info"};

// new: plain, nothrow, aligned, both. delete: the same, and sized, sized and aligned.
const Names kOperators = {"_Znwm",
                          "_Znam",
                          "_ZnwmRKSt9nothrow_t",
                          "_ZnamRKSt9nothrow_t",
                          "_ZnwmSt11align_val_t",
                          "_ZnamSt11align_val_t",
                          "_ZnwmSt11align_val_tRKSt9nothrow_t",
                          "_ZnamSt11align_val_tRKSt9nothrow_t",
                          "_ZdlPv",
                          "_ZdaPv",
                          "_ZdlPvm",
                          "_ZdaPvm",
                          "_ZdlPvRKSt9nothrow_t",
                          "_ZdaPvRKSt9nothrow_t",
                          "_ZdlPvSt11align_val_t",
                          "_ZdaPvSt11align_val_t",
                          "_ZdlPvmSt11align_val_t",
                          "_ZdaPvmSt11align_val_t",
                          "_ZdlPvSt11align_val_tRKSt9nothrow_t",
                          "_ZdaPvSt11align_val_tRKSt9nothrow_t"};

// Interposed to take RTLD_DEEPBIND out, which would have one program use two allocators; for people
// at a debugger.
const Names kOthers = {"dlopen", "print_mem_heap"};

constexpr char kPrefix[] = "mymalloc_";

std::string OutputOf(const std::vector<std::string>& arguments) {
  Command command;
  command.arguments = arguments;
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  return outcome.output;
}

Names ExportedNames() {
  Names names;
  std::istringstream lines(OutputOf(
      {"nm", "-D", "--defined-only", "--extern-only", "--format=posix", LibraryUnderTest()}));
  for (std::string line; std::getline(lines, line);) {
    const std::string name = line.substr(0, line.find(' '));
    names.insert(name.substr(0, name.find('@')));
  }
  return names;
}

Names Minus(const Names& from, const Names& names) {
  Names rest;
  std::set_difference(from.begin(), from.end(), names.begin(), names.end(),
                      std::inserter(rest, rest.end()));
  return rest;
}

TEST(Exports, AllOfTheApi) {
  const Names exported = ExportedNames();
  EXPECT_EQ(Minus(kLibcNames, exported), Names());
  EXPECT_EQ(Minus(kOperators, exported), Names());
  Names prefixed;
  for (const std::string& name : kLibcNames) prefixed.insert(kPrefix + name);
  EXPECT_EQ(Minus(prefixed, exported), Names());
  EXPECT_EQ(Minus({"mymalloc_on_misuse", "mymalloc_version", "mymalloc_descriptor"}, exported),
            Names());
}

TEST(Exports, NothingElse) {
  Names rest = Minus(Minus(Minus(ExportedNames(), kLibcNames), kOperators), kOthers);
  for (auto name = rest.begin(); name != rest.end();) {
    name = name->rfind(kPrefix, 0) == 0 ? rest.erase(name) : std::next(name);
  }
  EXPECT_EQ(rest, Names());
}

TEST(Exports, AreWhatAProgramReaches) {
  for (const Names* names : {&kLibcNames, &kOperators}) {
    for (const std::string& name : *names) {
      void* function = LibcName<void>(name.c_str());
      Dl_info info = {};
      ASSERT_NE(function, nullptr) << name;
      ASSERT_NE(dladdr(function, &info), 0) << name;
      EXPECT_EQ(std::string(info.dli_fname), LibraryUnderTest()) << name;
    }
  }
}

TEST(Needs, LibcOnly) {
  const Names allowed = {"libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"};
  Names needed;
  std::istringstream lines(OutputOf({"readelf", "--dynamic", "--wide", LibraryUnderTest()}));
  for (std::string line; std::getline(lines, line);) {
    if (line.find("(NEEDED)") == std::string::npos) continue;
    const size_t start = line.find('[') + 1;
    needed.insert(line.substr(start, line.find(']') - start));
  }
  EXPECT_EQ(needed.count("libc.so.6"), 1u);
  EXPECT_EQ(Minus(needed, allowed), Names());
}

// More of it would not fit into what ld.so keeps in reserve for libraries that come by dlopen.
TEST(Needs, AtMost64BytesOfStaticTls) {
  constexpr size_t kMemorySizeColumn = 5;
  std::istringstream lines(OutputOf({"readelf", "--segments", "--wide", LibraryUnderTest()}));
  size_t segments = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    const std::vector<std::string> columns{std::istream_iterator<std::string>(words), {}};
    if (columns.size() <= kMemorySizeColumn) continue;
    ++segments;
    if (columns[0] != "TLS") continue;
    EXPECT_LE(strtoul(columns[kMemorySizeColumn].c_str(), nullptr, 16), 64u) << line;
  }
  EXPECT_GT(segments, 4u) << "readelf's output was not understood";
}

}  // namespace
}  // namespace mymalloc::test
