#include "tools/command/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace mymalloc::command {
namespace {

constexpr char kEnterScreen[] = "\033[?1049h\033[?25l";  // another one, without a cursor
constexpr char kLeaveScreen[] = "\033[?25h\033[?1049l";
constexpr char kHome[] = "\033[H";
constexpr char kEndOfLine[] = "\033[K";
constexpr char kEndOfScreen[] = "\033[J";
constexpr char kMarked[] = "\033[7m";
constexpr char kPlain[] = "\033[m";
constexpr char kEscapeByte = 27;

volatile sig_atomic_t g_resized = 0;
volatile sig_atomic_t g_ended = 0;

void NoteResized(int /*signal*/) { g_resized = 1; }
void NoteEnded(int /*signal*/) { g_ended = 1; }

void HandleBy(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigaction(signal, &action, nullptr);
}

bool Write(absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

bool IsDumb() {
  const char* const term = getenv("TERM");
  return term == nullptr || absl::string_view(term) == "dumb";
}

// As no-color.org asks for.
bool MayHaveColour() {
  const char* const no_colour = getenv("NO_COLOR");
  return no_colour == nullptr || *no_colour == '\0';
}

}  // namespace

Terminal::Terminal() {
  is_interactive_ = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0 && !IsDumb() &&
                    tcgetattr(STDIN_FILENO, &before_) == 0;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) HandleBy(signal, &NoteEnded);
  if (!is_interactive_) return;
  has_colour_ = MayHaveColour();
  HandleBy(SIGWINCH, &NoteResized);
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  Write(kEnterScreen);
  ReadSize();
}

Terminal::~Terminal() {
  if (!is_interactive_) return;
  Write(kLeaveScreen);
  tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

void Terminal::ReadSize() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return;
  rows_ = size.ws_row;
  columns_ = size.ws_col;
}

bool Terminal::Draw(const std::vector<ScreenLine>& lines) {
  std::string frame = is_interactive_ ? kHome : "";
  const size_t count =
      is_interactive_ ? std::min(lines.size(), static_cast<size_t>(rows_)) : lines.size();
  for (size_t i = 0; i < count; ++i) {
    if (!is_interactive_) {
      absl::StrAppend(&frame, lines[i].text, "\n");
      continue;
    }
    const absl::string_view text =
        absl::string_view(lines[i].text).substr(0, static_cast<size_t>(columns_));
    const bool marked = lines[i].marked && has_colour_;
    absl::StrAppend(&frame, i == 0 ? "" : "\r\n", marked ? kMarked : "", text, marked ? kPlain : "",
                    kEndOfLine);
  }
  return Write(is_interactive_ ? absl::StrCat(frame, kEndOfScreen) : absl::StrCat(frame, "\n"));
}

int Terminal::DecodeEscape() {
  pollfd input = {STDIN_FILENO, POLLIN, 0};
  char bytes[2];
  if (poll(&input, 1, 20) <= 0 || read(STDIN_FILENO, bytes, 2) != 2 || bytes[0] != '[') {
    return kEscape;
  }
  return bytes[1] == 'A' ? kUp : bytes[1] == 'B' ? kDown : kNoKey;
}

int Terminal::WaitForKey(int milliseconds) {
  pollfd input = {STDIN_FILENO, POLLIN, 0};
  const int ready = poll(&input, is_interactive_ ? 1 : 0, milliseconds);
  if (g_ended != 0) return kEnd;
  if (g_resized != 0) {
    g_resized = 0;
    ReadSize();
    return kResized;
  }
  if (ready <= 0) return kNoKey;
  char byte;
  if (read(STDIN_FILENO, &byte, 1) != 1) return kEnd;
  return byte == kEscapeByte ? DecodeEscape() : byte;
}

}  // namespace mymalloc::command
