// mymalloc stats: a heap in figures.

#ifndef MYMALLOC_TOOLS_COMMAND_STATS_H_
#define MYMALLOC_TOOLS_COMMAND_STATS_H_

#include "tools/command/subcommand.h"

namespace mymalloc::command {

Subcommand StatsCommand();

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_STATS_H_
