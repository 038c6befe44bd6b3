// `mymalloc run`: a program with the library preloaded, and the names to what that reports.

#ifndef MYMALLOC_TOOLS_COMMAND_RUN_H_
#define MYMALLOC_TOOLS_COMMAND_RUN_H_

#include "tools/command/subcommand.h"

namespace mymalloc::command {

Subcommand RunCommand();

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_RUN_H_
