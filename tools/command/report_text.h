// Reports as text, with names: every line goes through as it came, but for frames.

#ifndef MYMALLOC_TOOLS_COMMAND_REPORT_TEXT_H_
#define MYMALLOC_TOOLS_COMMAND_REPORT_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "tools/command/line_reader.h"
#include "tools/command/symbolizer.h"

namespace mymalloc::command {

// All of the text to a descriptor. False if it cannot be written.
bool WriteAll(int fd, absl::string_view text);

class ReportText : public LineSink {
 public:
  ReportText(Symbolizer* symbolizer, int output) : symbolizer_(symbolizer), output_(output) {}

  void Line(absl::string_view line) override;
  void Piece(absl::string_view piece) override;
  bool Pause() override;

 private:
  Symbolizer* const symbolizer_;
  const int output_;
  std::string pending_;  // since the last pause
  bool failed_ = false;
};

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_REPORT_TEXT_H_
