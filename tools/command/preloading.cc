#include "tools/command/preloading.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "mymalloc/mymalloc.h"

namespace mymalloc::command {
namespace {

namespace fs = std::filesystem;

constexpr char kPreload[] = "LD_PRELOAD";
constexpr char kOptions[] = "MYMALLOC_OPTIONS";

// From the command's own directory: beside it, where it is installed, where Bazel builds it.
std::vector<std::string> Places() {
  const std::string installed = absl::StrCat("libmymalloc.so.", MYMALLOC_VERSION_MAJOR);
  return {"libmymalloc.so", "../lib/" + installed, "../lib64/" + installed,
          "../lib/x86_64-linux-gnu/" + installed, "../libmymalloc.so"};
}

std::string TextOf(const char* variable) {
  const char* const value = getenv(variable);
  return value == nullptr ? "" : value;
}

std::string VariableOf(absl::string_view option) {
  return absl::StrCat("MYMALLOC_", absl::AsciiStrToUpper(option));
}

// Without symbolic links: what they lead to may change while the program runs.
std::string Resolve(const fs::path& path) {
  std::error_code error;
  const fs::path resolved = fs::canonical(path, error);
  return error || !fs::is_regular_file(resolved, error) ? "" : resolved.string();
}

std::string FindOwn(std::string* error) {
  std::error_code ignored;
  const fs::path here = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  const std::vector<std::string> places = Places();
  for (const std::string& place : places) {
    std::string path = Resolve(here / place);
    if (!path.empty()) return path;
  }
  *error = absl::StrCat("there is no library in the places relative to ", here.string(), ": ",
                        absl::StrJoin(places, ", "),
                        "; build it by bazel build -c opt //:libmymalloc.so, or name it by "
                        "--library=PATH");
  return "";
}

}  // namespace

std::string FindLibrary(const std::string& given, std::string* error) {
  std::string path = given.empty() ? FindOwn(error) : Resolve(given);
  if (path.empty() && error->empty()) *error = absl::StrCat("there is no file ", given);
  // The dynamic linker knows no quotes.
  if (path.find_first_of(": ") != std::string::npos) {
    *error =
        absl::StrCat("no library can be preloaded from a path with a blank or a colon: ", path);
    return "";
  }
  return path;
}

void Preload(const std::string& library) {
  const std::string others = TextOf(kPreload);
  setenv(kPreload, others.empty() ? library.c_str() : absl::StrCat(library, ":", others).c_str(),
         1);
}

void AddOptions(absl::string_view options) {
  if (options.empty()) return;
  // An option's own variable would prevail, or not, by its place in the environment.
  for (const absl::string_view item : absl::StrSplit(options, ':')) {
    unsetenv(VariableOf(item.substr(0, item.find('='))).c_str());
  }
  const std::string others = TextOf(kOptions);
  setenv(kOptions, absl::StrCat(others, others.empty() ? "" : ":", options).c_str(), 1);
}

std::string OptionInEnvironment(absl::string_view name) {
  std::string value = TextOf(VariableOf(name).c_str());
  for (const absl::string_view item : absl::StrSplit(TextOf(kOptions), ':')) {
    const size_t equals = item.find('=');
    if (equals != absl::string_view::npos && absl::EqualsIgnoreCase(item.substr(0, equals), name)) {
      value = std::string(item.substr(equals + 1));
    }
  }
  return value;
}

}  // namespace mymalloc::command
