// `mymalloc symbolize`: names and lines for the calling stacks in reports.

#ifndef MYMALLOC_TOOLS_COMMAND_SYMBOLIZE_H_
#define MYMALLOC_TOOLS_COMMAND_SYMBOLIZE_H_

#include "tools/command/subcommand.h"

namespace mymalloc::command {

Subcommand SymbolizeCommand();

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_SYMBOLIZE_H_
