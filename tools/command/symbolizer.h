// Frames of reports into names: finds the files, sees that they are those that ran, and keeps them.

#ifndef MYMALLOC_TOOLS_COMMAND_SYMBOLIZER_H_
#define MYMALLOC_TOOLS_COMMAND_SYMBOLIZER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tools/command/debug_files.h"
#include "tools/command/elf_file.h"
#include "tools/command/frame_line.h"
#include "tools/command/module_symbols.h"

namespace mymalloc::command {

struct NamedFrame {
  std::vector<Call> calls;     // the innermost first; empty if nothing is known
  std::string build_id;        // of the file that ran, if it was ever told
  std::string other_build_id;  // of the file that is there now, if it is another; "none"
};

class Symbolizer {
 public:
  explicit Symbolizer(std::vector<std::string> debug_directories)
      : debug_files_(std::move(debug_directories)) {}

  NamedFrame Name(const FrameLine& frame);

  // Files that no name could be had from, as they are not there: each with its build id.
  const std::set<std::string>& missing() const { return missing_; }

 private:
  struct Module {
    FileIdentity identity;
    std::string build_id;
    std::unique_ptr<ModuleSymbols> symbols;
  };

  std::string BuildIdFor(const FrameLine& frame);
  Module* Load(const std::string& path);
  ModuleSymbols* FindModule(const FrameLine& frame, NamedFrame* named);

  DebugFiles debug_files_;
  std::map<std::string, Module> modules_;  // by path
  // A report tells it once for each file: by path and load address.
  std::map<std::pair<std::string, uint64_t>, std::string> build_ids_;
  std::set<std::string> missing_;
};

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_SYMBOLIZER_H_
