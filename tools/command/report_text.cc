#include "tools/command/report_text.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace mymalloc::command {
namespace {

// A line's end apart from the line.
absl::string_view TakeEnd(absl::string_view* line) {
  const absl::string_view whole = *line;
  absl::ConsumeSuffix(line, "\n");
  absl::ConsumeSuffix(line, "\r");
  return whole.substr(line->size());
}

std::string BuildIdText(const std::string& build_id) {
  return build_id.empty() ? "" : absl::StrCat(" (build id ", build_id, ")");
}

// FUNCTION at FILE:LINE, or what is known of it.
std::string Describe(const Call& call) {
  std::string text = call.function.empty() ? "??" : call.function;
  if (call.line != 0) return absl::StrCat(text, " at ", call.file, ":", call.line);
  if (!call.inlined) absl::StrAppend(&text, "+0x", absl::Hex(call.offset));
  return text;
}

std::string WithNames(const FrameLine& frame, const NamedFrame& named, absl::string_view end) {
  const std::string start =
      absl::StrCat(frame.prefix, "#", frame.number, " 0x", absl::Hex(frame.address), ": ");
  std::string text;
  for (const Call& call : named.calls) {
    absl::StrAppend(&text, start, Describe(call));
    if (call.inlined) {
      absl::StrAppend(&text, " (inlined)", end.empty() ? "\n" : end);
    } else {
      absl::StrAppend(&text, " (", frame.module, "+0x", absl::Hex(frame.offset), ")",
                      BuildIdText(frame.build_id), end);
    }
  }
  return text;
}

}  // namespace

bool WriteAll(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd file = {fd, POLLOUT, 0};
      poll(&file, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

void ReportText::Line(absl::string_view line) {
  absl::string_view text = line;
  const absl::string_view end = TakeEnd(&text);
  const std::optional<FrameLine> frame = ParseFrameLine(text);
  if (!frame) return Piece(line);
  const NamedFrame named = symbolizer_->Name(*frame);
  if (!named.calls.empty()) {
    pending_ += WithNames(*frame, named, end);
  } else if (!named.other_build_id.empty()) {
    absl::StrAppend(&pending_, text, " (the file has changed since: build id ",
                    named.other_build_id, ")", end);
  } else {
    Piece(line);
  }
}

void ReportText::Piece(absl::string_view piece) { pending_.append(piece.data(), piece.size()); }

bool ReportText::Pause() {
  failed_ = failed_ || !WriteAll(output_, pending_);
  pending_.clear();
  return !failed_;
}

}  // namespace mymalloc::command
