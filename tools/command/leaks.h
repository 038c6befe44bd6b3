// mymalloc leaks: what nothing reaches any more.

#ifndef MYMALLOC_TOOLS_COMMAND_LEAKS_H_
#define MYMALLOC_TOOLS_COMMAND_LEAKS_H_

#include "tools/command/subcommand.h"

namespace mymalloc::command {

Subcommand LeaksCommand();

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_LEAKS_H_
