#include "tools/command/line_reader.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <string>

namespace mymalloc::command {
namespace {

// How long the rest of a line is waited for: nobody sees a prompt come later.
constexpr int kPatienceMs = 50;

constexpr char kFrameStart[] = "    #";

// Puts lines together from what is read.
class Assembler {
 public:
  explicit Assembler(LineSink* sink) : sink_(sink) {}

  void Add(absl::string_view text) {
    while (!text.empty()) {
      const size_t newline = text.find('\n');
      const bool ends = newline != absl::string_view::npos;
      const size_t used = ends ? newline + 1 : text.size();
      AddToLine(text.substr(0, used), ends);
      text.remove_prefix(used);
    }
  }

  // What may be half of a frame is waited for: who writes by blocks cuts lines anywhere.
  bool HasPrompt() const { return !line_.empty() && line_.find(kFrameStart) == std::string::npos; }

  // What there is of a line, though its end is not.
  void GiveUpLine() {
    sink_->Piece(line_);
    line_.clear();
    in_pieces_ = true;
  }

  void End() {
    if (!line_.empty()) sink_->Line(line_);
  }

 private:
  void AddToLine(absl::string_view part, bool ends) {
    if (in_pieces_) {
      sink_->Piece(part);
      in_pieces_ = !ends;
    } else if (ends && line_.empty()) {
      Finish(part);
    } else {
      line_.append(part.data(), part.size());
      if (ends) {
        Finish(line_);
        line_.clear();
      } else if (line_.size() > kLongestLine) {
        GiveUpLine();
      }
    }
  }

  void Finish(absl::string_view line) {
    if (line.size() > kLongestLine) {
      sink_->Piece(line);
    } else {
      sink_->Line(line);
    }
  }

  LineSink* const sink_;
  std::string line_;  // so far
  bool in_pieces_ = false;
};

bool MoreComesSoon(int fd) {
  pollfd file = {fd, POLLIN, 0};
  return poll(&file, 1, kPatienceMs) != 0;
}

}  // namespace

bool ReadLines(int fd, LineSink* sink) {
  static char buffer[1 << 16];
  Assembler assembler(sink);
  for (;;) {
    const ssize_t got = read(fd, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      assembler.End();
      return sink->Pause() && got == 0;
    }
    assembler.Add({buffer, static_cast<size_t>(got)});
    if (!sink->Pause()) return true;
    if (assembler.HasPrompt() && !MoreComesSoon(fd)) {
      assembler.GiveUpLine();
      if (!sink->Pause()) return true;
    }
  }
}

}  // namespace mymalloc::command
