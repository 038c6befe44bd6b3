// The map of a heap as one page for a browser, with nothing beside it: `mymalloc map`.
//
// The page is map_page.html with the styles and the scripts of map_page/ in it, and the map's data.

#ifndef MYMALLOC_TOOLS_COMMAND_MAP_PAGE_H_
#define MYMALLOC_TOOLS_COMMAND_MAP_PAGE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "tools/command/heap_map.h"
#include "tools/command/map_packing.h"

namespace mymalloc::command {

// REQUIRES: pages, large blocks and ranges are in the order of their addresses.
std::string MapPage(const HeapMap& map);

// The same for pages that were packed one by one, in place of the map's: for heaps of which it
// would be too much to hold all of them.
std::string MapPage(const HeapMap& rest, const MapPacker& pages);

// Of `mymalloc map --json`. Empty if that is not a map; then `wrong` says why.
std::string MapPage(const std::string& json, std::string* wrong);

// The same for JSON that is known to be a map; of other JSON the page shows an empty heap.
std::string MapPage(const std::string& json);

// What is shown in a browser exactly as it is here, be it in an element or an attribute.
std::string EscapedForHtml(absl::string_view text);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_MAP_PAGE_H_
