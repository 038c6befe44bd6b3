// A program that is looked at in the moment of its end, when all that it did not free is still
// there.

#ifndef MYMALLOC_TOOLS_COMMAND_TRACED_PROGRAM_H_
#define MYMALLOC_TOOLS_COMMAND_TRACED_PROGRAM_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "tools/command/supervisor.h"
#include "tools/look/target.h"

namespace mymalloc::command {

// Runs the program, found as a shell finds it, with this process's environment. As the last thing
// that it does, its first thread to exit for all stops, and at_end(pid, threads) is called; not
// where a signal ends the program at once. Returns when it has ended.
using AtEnd = std::function<void(pid_t pid, const std::vector<look::Thread>& threads)>;
Ending RunTraced(const std::vector<std::string>& arguments, const AtEnd& at_end);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_TRACED_PROGRAM_H_
