// mymalloc map: where everything lies.

#ifndef MYMALLOC_TOOLS_COMMAND_MAP_H_
#define MYMALLOC_TOOLS_COMMAND_MAP_H_

#include "tools/command/subcommand.h"

namespace mymalloc::command {

Subcommand MapCommand();

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_MAP_H_
