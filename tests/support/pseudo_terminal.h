// A program on a terminal of its own, as a user has it before him.

#ifndef MYMALLOC_TESTS_SUPPORT_PSEUDO_TERMINAL_H_
#define MYMALLOC_TESTS_SUPPORT_PSEUDO_TERMINAL_H_

#include <sys/types.h>
#include <termios.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace mymalloc::test {

class PseudoTerminal {
 public:
  struct Size {
    unsigned short rows;
    unsigned short columns;
  };

  // `environment`: on top of this process's own; an empty value takes a variable away.
  // `stdout_to`: a file in the terminal's place, if not empty.
  PseudoTerminal(const std::vector<std::string>& arguments,
                 const std::map<std::string, std::string>& environment, Size size,
                 const std::string& stdout_to = "");
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;
  // Kills the program if it has not ended.
  ~PseudoTerminal();

  pid_t pid() const { return pid_; }

  void Type(const std::string& keys) const;
  // The program gets a SIGWINCH.
  void Resize(Size size) const;
  // What the terminal is set to.
  termios Settings() const;

  // Whether this is written within some seconds; `screen` is then what has been written since the
  // call before, up to there and what came with it.
  bool Await(const std::string& text, std::string* screen);
  // All that is written within that time.
  std::string Read(std::chrono::milliseconds time);
  // As waitpid gives it; -1 if it does not end within some seconds.
  int WaitForEnd();

 private:
  bool ReadSome(std::chrono::milliseconds patience, std::string* text) const;

  pid_t pid_ = -1;
  int terminal_ = -1;  // its other side
  int program_side_ = -1;
};

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_SUPPORT_PSEUDO_TERMINAL_H_
