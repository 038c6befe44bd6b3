// Files found by their build id, whatever they are called.

#ifndef MYMALLOC_TOOLS_COMMAND_DEBUG_FILES_H_
#define MYMALLOC_TOOLS_COMMAND_DEBUG_FILES_H_

#include <map>
#include <string>
#include <vector>

#include "tools/command/elf_file.h"

namespace mymalloc::command {

class DebugFiles {
 public:
  // Besides the system's own, /usr/lib/debug. A directory has them as .build-id/xx/yyyy.debug, or
  // simply in it.
  explicit DebugFiles(std::vector<std::string> directories);

  // The path of the file; empty if there is none.
  std::string Find(const std::string& build_id);

 private:
  void ReadDirectories();

  const std::vector<std::string> directories_;
  bool read_ = false;
  std::map<std::string, std::string> by_build_id_;  // what lies in the directories themselves
};

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_DEBUG_FILES_H_
