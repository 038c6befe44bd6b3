#include "tools/command/collected_reports.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tools/command/preloading.h"

namespace mymalloc::command {
namespace {

constexpr char kOption[] = "report_file";
constexpr char kVariable[] = "MYMALLOC_REPORT_FILE";

// Empty if none can be made.
std::string NewDirectory() {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
  if (error) return "";
  std::string path =
      absl::StrCat(std::filesystem::absolute(parent, error).string(), "/mymalloc-XXXXXX");
  return mkdtemp(path.data()) == nullptr ? "" : path;
}

off_t SizeOf(const OpenFile& file) {
  struct stat status;
  return file.is_open() && fstat(file.fd(), &status) == 0 ? status.st_size : 0;
}

}  // namespace

CollectedReports::CollectedReports() : path_(OptionInEnvironment(kOption)) {
  if (path_ == "none" || absl::StrContains(path_, "%p")) {
    path_.clear();
  } else if (!path_.empty()) {
    before_ = SizeOf(OpenRegularFile(path_));
  } else {
    directory_ = NewDirectory();
    if (directory_.empty()) return;
    path_ = directory_ + "/reports";
    setenv(kVariable, path_.c_str(), 1);
  }
}

OpenFile CollectedReports::Take() {
  if (path_.empty()) return {};
  OpenFile file = OpenRegularFile(path_);
  RemoveDirectory();
  if (SizeOf(file) <= before_ || lseek(file.fd(), before_, SEEK_SET) != before_) return {};
  return file;
}

void CollectedReports::RemoveDirectory() {
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
  directory_.clear();
}

}  // namespace mymalloc::command
