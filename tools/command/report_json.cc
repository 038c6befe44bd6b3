#include "tools/command/report_json.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tools/command/json.h"
#include "tools/command/report_text.h"

namespace mymalloc::command {
namespace {

// No report has more: what follows is another's text.
constexpr size_t kMostLines = 256;

constexpr absl::string_view kStart = "mymalloc[";
constexpr absl::string_view kIndent = "  ";

std::string Hex(uint64_t number) { return absl::StrCat("0x", absl::Hex(number)); }

void WriteCall(const Call& call, JsonWriter* out) {
  out->Begin('{').OptionalPair("function", call.function);
  if (call.line != 0) {
    out->Key("file").Value(call.file).Key("line").Value(static_cast<uint64_t>(call.line));
    out->OptionalPair("directory", call.directory);
  } else if (!call.inlined) {
    out->Key("function_offset").Value(call.offset);
  }
  out->Key("inlined").Value(call.inlined).End('}');
}

void WriteFrame(const FrameLine& frame, const NamedFrame& named, JsonWriter* out) {
  out->Begin('{').Key("number").Value(frame.number);
  out->Key("address").Value(Hex(frame.address)).Key("module").Value(frame.module);
  out->Key("offset").Value(Hex(frame.offset)).OptionalPair("build_id", named.build_id);
  out->OptionalPair("changed_build_id", named.other_build_id);
  out->Key("calls").Begin('[');
  for (const Call& call : named.calls) WriteCall(call, out);
  out->End(']').End('}');
}

}  // namespace

// mymalloc[PROCESS.THREAD]: MESSAGE
bool ReportJson::BeginReport(absl::string_view line) {
  if (!absl::ConsumePrefix(&line, kStart)) return false;
  const size_t dot = line.find('.');
  const size_t end = line.find("]: ");
  if (dot == absl::string_view::npos || end == absl::string_view::npos || dot > end) return false;
  Report report;
  if (!absl::SimpleAtoi(line.substr(0, dot), &report.process) ||
      !absl::SimpleAtoi(line.substr(dot + 1, end - dot - 1), &report.thread)) {
    return false;
  }
  report.message = std::string(line.substr(end + 3));
  report_ = std::move(report);
  in_report_ = true;
  lines_ = 0;
  return true;
}

void ReportJson::AddToReport(absl::string_view line) {
  const std::optional<FrameLine> frame = ParseFrameLine(line);
  if (frame && !report_.stacks.empty()) {
    report_.stacks.back().frames.push_back(*frame);
    return;
  }
  line.remove_prefix(kIndent.size());
  absl::string_view heading = line;
  if (!absl::StartsWith(line, " ") && absl::ConsumeSuffix(&heading, ":")) {
    report_.stacks.push_back({std::string(heading), {}});
  } else {
    report_.details.emplace_back(line);
  }
}

void ReportJson::EndReport() {
  if (!in_report_) return;
  in_report_ = false;
  JsonWriter out;
  out.Begin('{').Key("process").Value(report_.process).Key("thread").Value(report_.thread);
  out.Key("message").Value(report_.message).Key("details").Begin('[');
  for (const std::string& detail : report_.details) out.Value(detail);
  out.End(']').Key("stacks").Begin('[');
  for (const Stack& stack : report_.stacks) {
    out.Begin('{').Key("heading").Value(stack.heading).Key("frames").Begin('[');
    for (const FrameLine& frame : stack.frames) WriteFrame(frame, symbolizer_->Name(frame), &out);
    out.End(']').End('}');
  }
  out.End(']').End('}');
  absl::StrAppend(&pending_, out.text(), "\n");
}

void ReportJson::Line(absl::string_view line) {
  absl::ConsumeSuffix(&line, "\n");
  absl::ConsumeSuffix(&line, "\r");
  if (in_report_ && absl::StartsWith(line, kIndent) && lines_++ < kMostLines) {
    AddToReport(line);
    return;
  }
  EndReport();
  BeginReport(line);
}

void ReportJson::Piece(absl::string_view) { EndReport(); }

bool ReportJson::Pause() {
  failed_ = failed_ || !WriteAll(output_, pending_);
  pending_.clear();
  return !failed_;
}

bool ReportJson::Finish() {
  EndReport();
  return Pause();
}

}  // namespace mymalloc::command
