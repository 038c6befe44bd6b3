// A screen that is drawn anew now and then, and keys: plain ANSI, as all terminals have it.

#ifndef MYMALLOC_TOOLS_COMMAND_TERMINAL_H_
#define MYMALLOC_TOOLS_COMMAND_TERMINAL_H_

#include <termios.h>

#include <string>
#include <vector>

namespace mymalloc::command {

struct ScreenLine {
  std::string text;
  bool marked = false;
};

// While there is one, the terminal is in its state; what it was comes back at the end, also where a
// signal ends this process.
class Terminal {
 public:
  Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal();

  // Whether there is somebody who sees and types. Else frames are printed one after the other.
  bool is_interactive() const { return is_interactive_; }
  int rows() const { return rows_; }

  // What does not fit is cut. False if nobody takes it any more.
  bool Draw(const std::vector<ScreenLine>& lines);

  enum Key { kNoKey = 0, kUp = 1000, kDown, kEscape, kResized, kEnd };
  // A key, or one of these; kNoKey when so many milliseconds are over.
  int WaitForKey(int milliseconds);

 private:
  void ReadSize();
  static int DecodeEscape();

  bool is_interactive_ = false;
  bool has_colour_ = false;
  termios before_ = {};
  int rows_ = 24;
  int columns_ = 80;
};

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_TERMINAL_H_
