#include "tests/support/library.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace mymalloc::test {
namespace {

// The folder that mirrors the source tree: Bazel's runfiles, or else the current one.
std::string DataRoot() {
  const char* runfiles = getenv("TEST_SRCDIR");
  const char* workspace = getenv("TEST_WORKSPACE");
  if (runfiles != nullptr && workspace != nullptr) return std::string(runfiles) + "/" + workspace;
  char* here = getcwd(nullptr, 0);
  std::string root = here == nullptr ? "" : here;
  free(here);
  return root;
}

}  // namespace

std::string DataFile(const std::string& path) { return DataRoot() + "/" + path; }

std::string LibraryUnderTest() {
  const char* other = getenv(kLibraryVariable);
  if (other == nullptr) return DataFile("libmymalloc.so");
  return std::string(other) == "none" ? "" : other;
}

bool IsLoaded(const std::string& library, pid_t pid) {
  // The map shows a symbolic link's target: only the name at its end is sure to be the same.
  char* target = realpath(library.c_str(), nullptr);
  const std::string path = target == nullptr ? library : target;
  free(target);
  std::ifstream maps("/proc/" + (pid == 0 ? std::string("self") : std::to_string(pid)) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.size() >= path.size() &&
        line.compare(line.size() - path.size(), path.size(), path) == 0) {
      return true;
    }
  }
  return false;
}

}  // namespace mymalloc::test
