// mymalloc find: what an address is.

#ifndef MYMALLOC_TOOLS_COMMAND_FIND_H_
#define MYMALLOC_TOOLS_COMMAND_FIND_H_

#include "tools/command/subcommand.h"

namespace mymalloc::command {

Subcommand FindCommand();

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_FIND_H_
