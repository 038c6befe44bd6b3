// The page of a map as it is before the data: made by the BUILD file from map_page.html and
// map_page/.

#ifndef MYMALLOC_TOOLS_COMMAND_MAP_PAGE_TEMPLATE_H_
#define MYMALLOC_TOOLS_COMMAND_MAP_PAGE_TEMPLATE_H_

#include "absl/strings/string_view.h"

namespace mymalloc::command {

// Where the target's name goes.
constexpr absl::string_view kTargetMark = "@TARGET@";

absl::string_view MapPageTemplate();

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_MAP_PAGE_TEMPLATE_H_
