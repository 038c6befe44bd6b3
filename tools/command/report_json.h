// Reports as JSON, one object on a line for each; what is no report is left out.

#ifndef MYMALLOC_TOOLS_COMMAND_REPORT_JSON_H_
#define MYMALLOC_TOOLS_COMMAND_REPORT_JSON_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/command/frame_line.h"
#include "tools/command/line_reader.h"
#include "tools/command/symbolizer.h"

namespace mymalloc::command {

class ReportJson : public LineSink {
 public:
  ReportJson(Symbolizer* symbolizer, int output) : symbolizer_(symbolizer), output_(output) {}

  void Line(absl::string_view line) override;
  void Piece(absl::string_view piece) override;
  bool Pause() override;
  // The report that the text ends with. False if it could not be written.
  bool Finish();

 private:
  struct Stack {
    std::string heading;  // "stack", "freed by thread 12"
    std::vector<FrameLine> frames;
  };
  struct Report {
    uint64_t process = 0;
    uint64_t thread = 0;
    std::string message;
    std::vector<std::string> details;  // the other lines
    std::vector<Stack> stacks;
  };

  bool BeginReport(absl::string_view line);
  void AddToReport(absl::string_view line);
  void EndReport();

  Symbolizer* const symbolizer_;
  const int output_;
  bool in_report_ = false;
  size_t lines_ = 0;  // of the report
  Report report_;
  std::string pending_;
  bool failed_ = false;
};

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_REPORT_JSON_H_
