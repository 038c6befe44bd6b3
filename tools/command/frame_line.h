// A line of a report that tells one frame of a calling stack:
//
//     #0 0x55bad295518f: /tmp/df+0x118f (build id 6f7e27)

#ifndef MYMALLOC_TOOLS_COMMAND_FRAME_LINE_H_
#define MYMALLOC_TOOLS_COMMAND_FRAME_LINE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace mymalloc::command {

struct FrameLine {
  std::string prefix;  // what a log has put before it, and its four blanks
  uint64_t number = 0;
  uint64_t address = 0;  // in the instruction that made the call
  std::string module;    // the path of its file
  uint64_t offset = 0;   // of the address, as the file counts: without where it was loaded
  std::string build_id;  // of the file; told with its first frame of a stack only

  uint64_t load_base() const { return address - offset; }
};

// Nothing for any other line, and for those of frames in no module. The line is without its end.
std::optional<FrameLine> ParseFrameLine(absl::string_view line);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_FRAME_LINE_H_
