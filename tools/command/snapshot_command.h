// mymalloc snapshot: keeps a process's memory for later.

#ifndef MYMALLOC_TOOLS_COMMAND_SNAPSHOT_COMMAND_H_
#define MYMALLOC_TOOLS_COMMAND_SNAPSHOT_COMMAND_H_

#include "tools/command/subcommand.h"

namespace mymalloc::command {

Subcommand SnapshotCommand();

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_SNAPSHOT_COMMAND_H_
