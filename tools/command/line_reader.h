// Reads lines as they come, whatever comes: without end, without line ends, no text at all.

#ifndef MYMALLOC_TOOLS_COMMAND_LINE_READER_H_
#define MYMALLOC_TOOLS_COMMAND_LINE_READER_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace mymalloc::command {

class LineSink {
 public:
  virtual ~LineSink() = default;
  // A line, with its end if it has one.
  virtual void Line(absl::string_view line) = 0;
  // A piece of a line that is too long, or that stays unfinished: a prompt. The rest of that line
  // comes in such pieces too.
  virtual void Piece(absl::string_view piece) = 0;
  // Nothing more is there for now. False to end it.
  virtual bool Pause() = 0;
};

// Longer than any line of a report.
constexpr size_t kLongestLine = 8192;

// False if it cannot be read to its end; errno says why.
bool ReadLines(int fd, LineSink* sink);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_LINE_READER_H_
