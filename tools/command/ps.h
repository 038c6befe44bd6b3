// mymalloc ps: which processes run on the library.

#ifndef MYMALLOC_TOOLS_COMMAND_PS_H_
#define MYMALLOC_TOOLS_COMMAND_PS_H_

#include "tools/command/subcommand.h"

namespace mymalloc::command {

Subcommand PsCommand();

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_PS_H_
