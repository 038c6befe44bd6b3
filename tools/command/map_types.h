// Of which types the blocks on a map are, as far as that is known: a class, text, function pointers
// (look/type_table.h).

#ifndef MYMALLOC_TOOLS_COMMAND_MAP_TYPES_H_
#define MYMALLOC_TOOLS_COMMAND_MAP_TYPES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/command/heap_map.h"
#include "tools/look/heap_model.h"
#include "tools/look/target.h"

namespace mymalloc::command {

struct MapTypes {
  std::vector<std::string> names;
  std::vector<std::vector<TypeRun>> pages;  // by the number of the model's page
  std::vector<std::string> large;           // of the model's large blocks; empty if not known
};

// So many runs all pages together may have: that a map of a million pages is as quick to read as
// one of a thousand. Where there are more, each page tells the longest of its runs.
constexpr size_t kMostTypeRuns = 8 << 20;

MapTypes ReadMapTypes(const look::Target& target, const look::HeapModel& model,
                      size_t most_runs = kMostTypeRuns);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_MAP_TYPES_H_
