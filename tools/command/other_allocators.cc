#include "tools/command/other_allocators.h"

#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "mymalloc/mymalloc.h"
#include "tools/command/elf_file.h"

namespace mymalloc::command {
namespace {

namespace fs = std::filesystem;

std::string PathOf(const std::string& program) {
  if (absl::StrContains(program, '/')) return program;
  const char* const path = getenv("PATH");
  for (const absl::string_view directory : absl::StrSplit(path == nullptr ? "" : path, ':')) {
    std::string candidate = absl::StrCat(directory, "/", program);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return program;
}

bool IsAnother(const char* library) {
  return library != nullptr &&
         (absl::StartsWith(library, "libjemalloc.so") || absl::StartsWith(library, "libtcmalloc"));
}

// Whether a section with what the dynamic linker is to do names one.
bool NeedsAnother(Elf* elf, Elf_Scn* section, const GElf_Shdr& header) {
  Elf_Data* const data = elf_getdata(section, nullptr);
  GElf_Dyn entry;
  for (int i = 0; data != nullptr && gelf_getdyn(data, i, &entry) != nullptr; ++i) {
    if (entry.d_tag != DT_NEEDED) continue;
    if (IsAnother(elf_strptr(elf, header.sh_link, entry.d_un.d_val))) return true;
  }
  return false;
}

}  // namespace

bool IsLinkedWithAnother(const std::string& program) {
  const OpenFile file = OpenRegularFile(PathOf(program));
  if (!file.is_open() || elf_version(EV_CURRENT) == EV_NONE) return false;
  Elf* const elf = elf_begin(file.fd(), ELF_C_READ, nullptr);
  bool found = false;
  Elf_Scn* section = nullptr;
  while (!found && (section = elf_nextscn(elf, section)) != nullptr) {
    GElf_Shdr header;
    found = gelf_getshdr(section, &header) != nullptr && header.sh_type == SHT_DYNAMIC &&
            NeedsAnother(elf, section, header);
  }
  elf_end(elf);
  return found;
}

std::string FindCompat(const std::string& library) {
  constexpr char kBuilt[] = "libmymalloc_compat.so";
  const std::string installed = absl::StrCat(kBuilt, ".", MYMALLOC_VERSION_MAJOR);
  std::error_code error;
  const fs::path directory = fs::path(library).parent_path();
  for (const std::string& name : {std::string(kBuilt), installed}) {
    const fs::path path = fs::canonical(directory / name, error);
    if (!error) return path.string();
  }
  return "";
}

}  // namespace mymalloc::command
