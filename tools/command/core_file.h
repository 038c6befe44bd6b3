// Core files: the reports in the memory of a dead process (mymalloc/fault/last_report.h).

#ifndef MYMALLOC_TOOLS_COMMAND_CORE_FILE_H_
#define MYMALLOC_TOOLS_COMMAND_CORE_FILE_H_

#include <string>
#include <vector>

namespace mymalloc::command {

enum class FileKind { kText, kCore, kOtherElf };

// By its first bytes. What cannot be read at a place, as a pipe, is text.
FileKind KindOf(int fd);

struct CoreReports {
  std::vector<std::string> texts;  // the last report of each copy of the library
  bool is_cut = false;             // the file ends before the memory that it lists
};

CoreReports ReportsInCore(int fd);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_CORE_FILE_H_
