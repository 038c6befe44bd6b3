#include "tests/support/pseudo_terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

#include <cstdlib>

#include "tests/support/check.h"

namespace mymalloc::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{20};

winsize WindowOf(PseudoTerminal::Size size) { return {size.rows, size.columns, 0, 0}; }

void Execute(const std::vector<std::string>& arguments,
             const std::map<std::string, std::string>& environment, const std::string& stdout_to) {
  for (const auto& [name, value] : environment) {
    if (value.empty()) {
      unsetenv(name.c_str());
    } else {
      setenv(name.c_str(), value.c_str(), 1);
    }
  }
  if (!stdout_to.empty()) dup2(open(stdout_to.c_str(), O_WRONLY | O_CREAT, 0600), STDOUT_FILENO);
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  execv(pointers[0], pointers.data());
  _exit(127);
}

}  // namespace

PseudoTerminal::PseudoTerminal(const std::vector<std::string>& arguments,
                               const std::map<std::string, std::string>& environment, Size size,
                               const std::string& stdout_to) {
  const winsize window = WindowOf(size);
  MYMALLOC_CHECK(openpty(&terminal_, &program_side_, nullptr, nullptr, &window) == 0);
  fcntl(terminal_, F_SETFD, FD_CLOEXEC);
  fcntl(program_side_, F_SETFD, FD_CLOEXEC);  // kept open here: its settings outlive the program
  pid_ = fork();
  MYMALLOC_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    login_tty(dup(program_side_));
    Execute(arguments, environment, stdout_to);
  }
}

PseudoTerminal::~PseudoTerminal() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(terminal_);
  close(program_side_);
}

void PseudoTerminal::Type(const std::string& keys) const {
  MYMALLOC_CHECK(write(terminal_, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
}

void PseudoTerminal::Resize(Size size) const {
  const winsize window = WindowOf(size);
  MYMALLOC_CHECK(ioctl(terminal_, TIOCSWINSZ, &window) == 0);
}

termios PseudoTerminal::Settings() const {
  termios settings = {};
  MYMALLOC_CHECK(tcgetattr(program_side_, &settings) == 0);
  return settings;
}

bool PseudoTerminal::ReadSome(std::chrono::milliseconds patience, std::string* text) const {
  pollfd output = {terminal_, POLLIN, 0};
  char bytes[4096];
  if (poll(&output, 1, static_cast<int>(patience.count())) <= 0) return false;
  const ssize_t count = read(terminal_, bytes, sizeof(bytes));
  if (count <= 0) return false;
  text->append(bytes, static_cast<size_t>(count));
  return true;
}

bool PseudoTerminal::Await(const std::string& text, std::string* screen) {
  screen->clear();
  const auto end = Clock::now() + kPatience;
  while (screen->find(text) == std::string::npos) {
    if (Clock::now() > end) return false;
    ReadSome(std::chrono::milliseconds(50), screen);
  }
  *screen += Read(std::chrono::milliseconds(50));
  return true;
}

std::string PseudoTerminal::Read(std::chrono::milliseconds time) {
  std::string text;
  const auto end = Clock::now() + time;
  while (Clock::now() < end) ReadSome(std::chrono::milliseconds(10), &text);
  return text;
}

int PseudoTerminal::WaitForEnd() {
  const auto end = Clock::now() + kPatience;
  while (Clock::now() < end) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return status;
    }
    usleep(10000);
  }
  return -1;
}

}  // namespace mymalloc::test
