#include "tools/command/progress.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "tools/command/human.h"

namespace mymalloc::command {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kUnseen{1000};  // from the begin on
constexpr std::chrono::milliseconds kEach{100};
// The clock is not looked at for each word that is read.
constexpr uint64_t kStep = 1 << 20;

class ProgressLine {
 public:
  void NoteRead(uint64_t bytes) {
    read_ += bytes;
    if (read_ < next_look_) return;
    next_look_ = read_ + kStep;
    if (IsDue()) Write(absl::StrCat("read ", HumanBytes(read_)));
  }

  void ShowDone(uint64_t done, uint64_t whole) {
    if (IsDue()) Write(absl::StrCat(HumanBytes(done), " of ", HumanBytes(whole)));
  }

  void End() {
    if (shown_) std::fputs("\r\033[K", stderr);
    shown_ = false;
  }

 private:
  bool IsDue() {
    const Clock::time_point now = Clock::now();
    if (!is_terminal_ || now < next_) return false;
    next_ = now + kEach;
    return true;
  }

  void Write(const std::string& text) {
    std::fprintf(stderr, "\r%s\033[K", text.c_str());
    shown_ = true;
  }

  const bool is_terminal_ = isatty(STDERR_FILENO) != 0;
  Clock::time_point next_ = Clock::now() + kUnseen;
  uint64_t read_ = 0;
  uint64_t next_look_ = 0;
  bool shown_ = false;
};

ProgressLine& Line() {
  static ProgressLine line;
  return line;
}

}  // namespace

void NoteRead(uint64_t bytes) { Line().NoteRead(bytes); }
void ShowDone(uint64_t done, uint64_t whole) { Line().ShowDone(done, whole); }
void EndProgress() { Line().End(); }

}  // namespace mymalloc::command
