// A new folder that is gone at the end of the scope.

#ifndef MYMALLOC_TESTS_SUPPORT_SCRATCH_DIRECTORY_H_
#define MYMALLOC_TESTS_SUPPORT_SCRATCH_DIRECTORY_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "tests/support/check.h"

namespace mymalloc::test {

class ScratchDirectory {
 public:
  ScratchDirectory() : ScratchDirectory(TestFolder()) {}
  explicit ScratchDirectory(const std::string& parent) : path_(parent + "/scratch.XXXXXX") {
    MYMALLOC_CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  static std::string TestFolder() {
    const char* folder = getenv("TEST_TMPDIR");
    return folder == nullptr ? "/tmp" : folder;
  }

  std::string path_;
};

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_SUPPORT_SCRATCH_DIRECTORY_H_
