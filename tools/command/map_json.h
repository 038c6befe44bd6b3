// All pages with the states of their slots, large blocks and free ranges, as JSON: what the page of
// `mymalloc map` is made from.

#ifndef MYMALLOC_TOOLS_COMMAND_MAP_JSON_H_
#define MYMALLOC_TOOLS_COMMAND_MAP_JSON_H_

#include <string>

#include "absl/strings/string_view.h"
#include "tools/command/map_types.h"
#include "tools/look/heap_model.h"

namespace mymalloc::command {

std::string MapJson(absl::string_view target, const look::HeapModel& model, const MapTypes& types);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_MAP_JSON_H_
