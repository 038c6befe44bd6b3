#include "tools/command/debug_files.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace mymalloc::command {
namespace {

constexpr char kSystemDirectory[] = "/usr/lib/debug";

std::string FindIn(const std::string& directory, const std::string& build_id) {
  std::string path = absl::StrCat(directory, "/.build-id/", build_id.substr(0, 2), "/",
                                  build_id.substr(2), ".debug");
  const OpenFile file = OpenRegularFile(path);
  return file.is_open() && BuildIdOf(file) == build_id ? path : "";
}

}  // namespace

DebugFiles::DebugFiles(std::vector<std::string> directories)
    : directories_(std::move(directories)) {}

std::string DebugFiles::Find(const std::string& build_id) {
  if (build_id.size() < 4) return "";
  for (const std::string& directory : directories_) {
    std::string path = FindIn(directory, build_id);
    if (!path.empty()) return path;
  }
  if (!read_) ReadDirectories();
  const auto found = by_build_id_.find(build_id);
  return found != by_build_id_.end() ? found->second : FindIn(kSystemDirectory, build_id);
}

// Once, when first a file is not found by its name: there may be many.
void DebugFiles::ReadDirectories() {
  read_ = true;
  for (const std::string& directory : directories_) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
      const OpenFile file = OpenRegularFile(entry.path());
      if (!file.is_open()) continue;
      const std::string build_id = BuildIdOf(file);
      if (!build_id.empty()) by_build_id_.emplace(build_id, entry.path());
    }
  }
}

}  // namespace mymalloc::command
