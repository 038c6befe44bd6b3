#include "tools/look/mappings.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace mymalloc::look {
namespace {

// 7f0000-7f1000 rw-p 00000000 fe:01 1234      /usr/lib/libc.so.6
bool ParseLine(const std::string& line, Mapping* mapping) {
  char flags[5] = {};
  int path = 0;
  const int found = std::sscanf(
      line.c_str(), "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %" SCNu64 " %n",
      &mapping->range.begin, &mapping->range.end, flags, &mapping->offset, &mapping->inode, &path);
  if (found != 5 || mapping->range.begin >= mapping->range.end) return false;
  mapping->readable = flags[0] == 'r';
  mapping->writable = flags[1] == 'w';
  mapping->executable = flags[2] == 'x';
  mapping->shared = flags[3] == 's';
  if (path > 0) mapping->path = line.substr(static_cast<size_t>(path));
  return true;
}

}  // namespace

bool Mapping::HasFile() const {
  return absl::StartsWith(path, "/") && !absl::StartsWith(path, "/dev/") &&
         !absl::StartsWith(path, "/memfd:") && !absl::StartsWith(path, "/SYSV");
}

Mappings ParseMappings(absl::string_view text) {
  Mappings mappings;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    Mapping mapping;
    if (!ParseLine(std::string(line), &mapping)) continue;
    const bool in_order = mappings.empty() || mappings.back().range.end <= mapping.range.begin;
    if (in_order) mappings.push_back(std::move(mapping));
  }
  return mappings;
}

std::string FormatMappings(const Mappings& mappings) {
  std::string text;
  for (const Mapping& m : mappings) {
    absl::StrAppendFormat(&text, "%x-%x %c%c%c%c %x 0:0 %u %s\n", m.range.begin, m.range.end,
                          m.readable ? 'r' : '-', m.writable ? 'w' : '-', m.executable ? 'x' : '-',
                          m.shared ? 's' : 'p', m.offset, m.inode, m.path);
  }
  return text;
}

const Mapping* FindMapping(const Mappings& mappings, uint64_t address) {
  const auto behind =
      std::upper_bound(mappings.begin(), mappings.end(), address,
                       [](uint64_t a, const Mapping& m) { return a < m.range.begin; });
  if (behind == mappings.begin()) return nullptr;
  const Mapping& found = *(behind - 1);
  return found.range.Contains(address) ? &found : nullptr;
}

std::vector<Module> ModulesOf(const Mappings& mappings) {
  std::vector<Module> modules;
  for (const Mapping& mapping : mappings) {
    if (!mapping.HasFile()) continue;
    Module* const last = modules.empty() ? nullptr : &modules.back();
    if (mapping.offset != 0 && last != nullptr && last->path == mapping.path) {
      last->end = mapping.range.end;
    } else if (mapping.offset == 0 && mapping.readable) {
      modules.push_back({mapping.path, mapping.range.begin, mapping.range.end});
    }
  }
  return modules;
}

}  // namespace mymalloc::look
