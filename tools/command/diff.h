// mymalloc diff: what grew.

#ifndef MYMALLOC_TOOLS_COMMAND_DIFF_H_
#define MYMALLOC_TOOLS_COMMAND_DIFF_H_

#include "tools/command/subcommand.h"

namespace mymalloc::command {

Subcommand DiffCommand();

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_DIFF_H_
