// mymalloc check: is a heap sound?

#ifndef MYMALLOC_TOOLS_COMMAND_CHECK_H_
#define MYMALLOC_TOOLS_COMMAND_CHECK_H_

#include "tools/command/subcommand.h"

namespace mymalloc::command {

Subcommand CheckCommand();

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_CHECK_H_
