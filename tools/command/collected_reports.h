// The reports of a program and its children, collected in a file by the option report_file.

#ifndef MYMALLOC_TOOLS_COMMAND_COLLECTED_REPORTS_H_
#define MYMALLOC_TOOLS_COMMAND_COLLECTED_REPORTS_H_

#include <sys/types.h>

#include <string>

#include "tools/command/elf_file.h"

namespace mymalloc::command {

class CollectedReports {
 public:
  // Has the environment say where: the user's own file, if that is set already, or else one in a
  // new directory, that only the user can look into.
  CollectedReports();
  CollectedReports(const CollectedReports&) = delete;
  CollectedReports& operator=(const CollectedReports&) = delete;
  ~CollectedReports() { RemoveDirectory(); }

  // What has been collected since, to be read from where it stands; not open if nothing has. What a
  // process that is still there reports later is not collected.
  OpenFile Take();

 private:
  void RemoveDirectory();

  std::string path_;       // empty: nothing is collected
  std::string directory_;  // empty: the file is the user's
  off_t before_ = 0;       // how long the user's file was
};

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_COLLECTED_REPORTS_H_
