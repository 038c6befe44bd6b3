#include "tools/look/resident.h"

#include <cinttypes>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "mymalloc/base/units.h"
#include "tools/look/file_bytes.h"

namespace mymalloc::look {

uint64_t ResidentBytes(pid_t pid) {
  std::string text;
  uint64_t pages = 0;
  if (pid <= 0 || !ReadWholeFile(absl::StrCat("/proc/", pid, "/statm"), &text) ||
      std::sscanf(text.c_str(), "%*s %" SCNu64, &pages) != 1) {
    return 0;
  }
  return pages * KernelPage();
}

}  // namespace mymalloc::look
