// What is mapped where: the lines of /proc/PID/maps, or what a core file says in their place.

#ifndef MYMALLOC_TOOLS_LOOK_MAPPINGS_H_
#define MYMALLOC_TOOLS_LOOK_MAPPINGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tree/interval.h"

namespace mymalloc::look {

struct Mapping {
  Interval range;
  bool readable = false;
  bool writable = false;
  bool executable = false;
  bool shared = false;
  uint64_t offset = 0;  // in the file
  uint64_t inode = 0;   // 0 where there is none, or it is not known
  std::string path;     // of the file, or a name as [stack]; empty: none

  // Whether a file's bytes are mapped, and not a device's.
  bool HasFile() const;
};

// In address order, and disjoint.
using Mappings = std::vector<Mapping>;

Mappings ParseMappings(absl::string_view text);
// As ParseMappings reads them.
std::string FormatMappings(const Mappings& mappings);

// The one that holds an address; nullptr if there is none.
const Mapping* FindMapping(const Mappings& mappings, uint64_t address);

// A program or library: the mappings of one file that lie beside each other.
struct Module {
  std::string path;
  uint64_t base = 0;  // where the file's begin is mapped
  uint64_t end = 0;
};
std::vector<Module> ModulesOf(const Mappings& mappings);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_MAPPINGS_H_
