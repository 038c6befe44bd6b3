// mymalloc types: live memory by what it looks like.

#ifndef MYMALLOC_TOOLS_COMMAND_TYPES_H_
#define MYMALLOC_TOOLS_COMMAND_TYPES_H_

#include "tools/command/subcommand.h"

namespace mymalloc::command {

Subcommand TypesCommand();

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_TYPES_H_
