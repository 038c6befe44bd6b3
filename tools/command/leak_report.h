// Leaks, grouped by type and length, as text and as JSON.

#ifndef MYMALLOC_TOOLS_COMMAND_LEAK_REPORT_H_
#define MYMALLOC_TOOLS_COMMAND_LEAK_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/look/leak_search.h"
#include "tools/look/names.h"
#include "tools/look/target.h"

namespace mymalloc::command {

struct LeakGroup {
  std::string type;
  uint64_t usable = 0;  // of each direct leak
  uint64_t blocks = 0;
  uint64_t bytes = 0;
  uint64_t indirect_blocks = 0;  // that these lead to
  uint64_t indirect_bytes = 0;
  std::vector<uint64_t> examples;
};

// Most bytes first.
std::vector<LeakGroup> GroupLeaks(const look::Target& target, const look::LeakResult& result,
                                  look::Names* names);

// `limit`: so many groups at most; 0: all.
std::string LeakText(const look::LeakResult& result, const std::vector<LeakGroup>& groups,
                     uint32_t limit);
std::string LeakJson(const look::LeakResult& result, const std::vector<LeakGroup>& groups);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_LEAK_REPORT_H_
