// What one program file tells of its addresses: functions, lines, and what was inlined.

#ifndef MYMALLOC_TOOLS_COMMAND_MODULE_SYMBOLS_H_
#define MYMALLOC_TOOLS_COMMAND_MODULE_SYMBOLS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tools/command/debug_files.h"

namespace mymalloc::command {

// A function at work, and where in its text it is.
struct Call {
  std::string function;   // as the source has it; empty if unknown
  uint64_t offset = 0;    // from the function's start; known only where no line is
  bool inlined = false;   // into the next
  std::string file;       // empty if unknown
  std::string directory;  // where the compiler ran: what a relative file is relative to
  int line = 0;           // 0: unknown
};

class ModuleSymbols {
 public:
  // nullptr if it is no file that has symbols. `files` is asked for separate debug information,
  // besides the places that are usual: next to the file by its .gnu_debuglink, and /usr/lib/debug.
  static std::unique_ptr<ModuleSymbols> Open(const std::string& path, DebugFiles* files);
  virtual ~ModuleSymbols() = default;

  // The innermost first; empty if nothing is known. Addresses are those in the file.
  virtual std::vector<Call> CallsAt(uint64_t address) = 0;
};

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_MODULE_SYMBOLS_H_
