#include "tools/look/snapshot_format.h"

namespace mymalloc::look {
namespace {

// What the process can write is its own; the rest is in files. Mapped devices are left alone.
bool IsKept(const Mapping& mapping) {
  if (!mapping.readable) return false;
  if (mapping.path == "[vvar]" || mapping.path == "[vsyscall]" || mapping.path == "[vdso]") {
    return false;
  }
  if (!mapping.path.empty() && mapping.path[0] == '/' && mapping.shared) return false;
  return mapping.writable || !mapping.HasFile();
}

// Relocated once, and read only since then: what a core has of it the file has not.
bool IsRelocated(const Mappings& mappings, size_t i) {
  const Mapping& m = mappings[i];
  return m.HasFile() && m.readable && !m.writable && !m.executable && !m.shared &&
         i + 1 < mappings.size() && mappings[i + 1].writable &&
         mappings[i + 1].range.begin == m.range.end && mappings[i + 1].path == m.path;
}

}  // namespace

std::vector<Interval> KeptRanges(const Mappings& mappings) {
  std::vector<Interval> kept;
  for (size_t i = 0; i < mappings.size(); ++i) {
    if (!IsKept(mappings[i]) && !IsRelocated(mappings, i)) continue;
    if (!kept.empty() && kept.back().end == mappings[i].range.begin) {
      kept.back().end = mappings[i].range.end;
    } else {
      kept.push_back(mappings[i].range);
    }
  }
  return kept;
}

}  // namespace mymalloc::look
