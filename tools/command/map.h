// mymalloc map: where everything lies.

#ifndef MYMALLOC_TOOLS_COMMAND_MAP_H_
#define MYMALLOC_TOOLS_COMMAND_MAP_H_

#include <string>

#include "tools/command/opened_heap.h"
#include "tools/command/output_file.h"
#include "tools/command/subcommand.h"

namespace mymalloc::command {

Subcommand MapCommand();

// The page of a heap that has been read, into a file that is open. What to tell of it; empty after
// a complaint.
std::string WriteMapPage(const std::string& subcommand, const OpenedHeap& heap, OutputFile* file);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_MAP_H_
