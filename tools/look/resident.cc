#include "tools/look/resident.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "mymalloc/base/units.h"
#include "tools/look/file_bytes.h"

namespace mymalloc::look {
namespace {

// /proc/PID/pagemap has a word for each kernel page; its highest bit says that it is there.
uint64_t PagesThere(int file, const Interval& range) {
  constexpr uint64_t kAtOnce = 4096;
  std::vector<uint64_t> words(kAtOnce);
  const uint64_t end = RoundUp(range.end, KernelPage()) / KernelPage();
  uint64_t pages = 0;
  for (uint64_t page = range.begin / KernelPage(); page < end; page += kAtOnce) {
    const uint64_t count = std::min(kAtOnce, end - page);
    if (!ReadAt(file, page * sizeof(uint64_t), words.data(), count * sizeof(uint64_t))) continue;
    for (uint64_t i = 0; i < count; ++i) pages += words[i] >> 63;
  }
  return pages;
}

}  // namespace

uint64_t ResidentBytes(pid_t pid) {
  std::string text;
  uint64_t pages = 0;
  if (pid <= 0 || !ReadWholeFile(absl::StrCat("/proc/", pid, "/statm"), &text) ||
      std::sscanf(text.c_str(), "%*s %" SCNu64, &pages) != 1) {
    return 0;
  }
  return pages * KernelPage();
}

uint64_t ResidentBytes(const Target& target, const std::vector<Interval>& ranges) {
  const std::string path = absl::StrCat("/proc/", target.pid(), "/pagemap");
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const Mappings& mappings = target.mappings();
  uint64_t pages = 0;
  for (const Interval& range : ranges) {
    auto mapping = std::lower_bound(mappings.begin(), mappings.end(), range.begin,
                                    [](const Mapping& m, uint64_t a) { return m.range.end <= a; });
    for (; mapping != mappings.end() && mapping->range.begin < range.end; ++mapping) {
      pages += PagesThere(file, {std::max(range.begin, mapping->range.begin),
                                 std::min(range.end, mapping->range.end)});
    }
  }
  close(file);
  return pages * KernelPage();
}

}  // namespace mymalloc::look
