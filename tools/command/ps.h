// mymalloc ps: which processes run on the library.

#ifndef MYMALLOC_TOOLS_COMMAND_PS_H_
#define MYMALLOC_TOOLS_COMMAND_PS_H_

#include <string>

#include "tools/command/process_list.h"
#include "tools/command/subcommand.h"

namespace mymalloc::command {

Subcommand PsCommand();

// A line of JSON, as `ps` and `top` print it.
std::string ProcessListJson(const ProcessList& list);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_PS_H_
