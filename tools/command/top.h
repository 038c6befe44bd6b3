// mymalloc top: heaps as they change.

#ifndef MYMALLOC_TOOLS_COMMAND_TOP_H_
#define MYMALLOC_TOOLS_COMMAND_TOP_H_

#include "tools/command/subcommand.h"

namespace mymalloc::command {

Subcommand TopCommand();

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_TOP_H_
