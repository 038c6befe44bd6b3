// The processes on this machine that run on the library, each with its heap in figures.

#ifndef MYMALLOC_TOOLS_COMMAND_PROCESS_LIST_H_
#define MYMALLOC_TOOLS_COMMAND_PROCESS_LIST_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tools/look/figures.h"

namespace mymalloc::command {

struct ProcessRow {
  pid_t pid = 0;
  std::string command;   // its line, as far as it is known
  std::string version;   // of the library
  bool readable = true;  // false: another version, whose heap cannot be read
  uint64_t resident = 0;
  look::Figures figures;
};

struct ProcessList {
  std::vector<ProcessRow> rows;  // by their numbers
  unsigned hidden = 0;           // processes that may not be looked at
};

ProcessList ListProcesses();

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_PROCESS_LIST_H_
