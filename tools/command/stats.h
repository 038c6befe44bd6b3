// mymalloc stats: a heap in figures.

#ifndef MYMALLOC_TOOLS_COMMAND_STATS_H_
#define MYMALLOC_TOOLS_COMMAND_STATS_H_

#include <string>

#include "tools/command/opened_heap.h"
#include "tools/command/subcommand.h"
#include "tools/look/figures.h"

namespace mymalloc::command {

Subcommand StatsCommand();

// A line of JSON, as `stats` and `top` print it.
std::string StatsJson(const OpenedHeap& heap, const look::Figures& figures);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_STATS_H_
