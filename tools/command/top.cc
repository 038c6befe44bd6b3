#include "tools/command/top.h"

#include <climits>
#include <cstdint>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tools/command/terminal.h"
#include "tools/command/top_view.h"

ABSL_FLAG(double, delay, 2, "seconds from one look to the next");
ABSL_FLAG(uint32_t, iterations, 0, "ends after so many looks; 0: when it is told to");

namespace mymalloc::command {
namespace {

constexpr char kName[] = "top";

class Top {
 public:
  explicit Top(pid_t pid) : pid_(pid), may_go_back_(pid == 0) {}

  // Empty when it was told to end, else what went wrong.
  std::string Run() {
    Terminal terminal;
    const uint32_t most = absl::GetFlag(FLAGS_iterations);
    for (uint32_t i = 0; most == 0 || i < most; ++i) {
      std::string error;
      if (!Look(&error)) return error;
      if (!Show(&terminal)) return "";
      const bool is_last = most != 0 && i + 1 == most;
      if (!is_last && !WaitForNext(&terminal)) return "";
    }
    return "";
  }

 private:
  // A process that was chosen here may end: then all are shown again.
  bool Look(std::string* error) {
    if (pid_ != 0 && view_.ReadProcess(pid_, error)) return true;
    if (pid_ != 0 && !may_go_back_) return false;
    pid_ = 0;
    view_.ReadAll();
    return true;
  }

  bool Show(Terminal* terminal) {
    return terminal->Draw(pid_ != 0 ? view_.ProcessLines() : view_.AllLines());
  }

  // Keys show at once; false if one of them ends it.
  bool WaitForNext(Terminal* terminal) {
    const auto delay = static_cast<int>(absl::GetFlag(FLAGS_delay) * 1000);
    for (;;) {
      const int key = terminal->WaitForKey(delay);
      if (key == Terminal::kNoKey) return true;
      if (key == 'q' || key == Terminal::kEnd) return false;
      if (key == 's') view_.SortByNext();
      if (key == 'r') view_.Reverse();
      if (key == Terminal::kUp || key == 'k') view_.MoveSelection(-1);
      if (key == Terminal::kDown || key == 'j') view_.MoveSelection(1);
      if (key == '\n' || key == '\r') {
        if (pid_ == 0) pid_ = view_.selected();
        return true;
      }
      if (key == Terminal::kEscape && may_go_back_) {
        pid_ = 0;
        return true;
      }
      if (pid_ == 0) return true;  // what was read is sorted away
      Show(terminal);
    }
  }

  pid_t pid_;
  const bool may_go_back_;
  TopView view_;
};

int Run(const std::vector<std::string>& operands) {
  int64_t pid = 0;
  const bool is_right =
      operands.empty() ||
      (operands.size() == 1 && absl::SimpleAtoi(operands[0], &pid) && pid > 0 && pid <= INT_MAX);
  const double delay = absl::GetFlag(FLAGS_delay);
  if (!is_right || !(delay >= 0.05 && delay <= 3600)) {
    Complain(kName, "give one process's number or none, and a delay of 0.05 to 3600 seconds");
    return kUsageError;
  }
  const std::string error = Top(static_cast<pid_t>(pid)).Run();
  if (error.empty()) return 0;
  Complain(kName, error);
  return kFailed;
}

constexpr char kDetails[] =
    "Shows all processes that run on the library, or one: what is live, by how much that grows, "
    "and what\n"
    "is free and perhaps resident (unused). Keys: q ends, s sorts by the next column, r reverses "
    "the order;\n"
    "up and down choose a process, Enter looks into it, Escape goes back. Where stdin or stdout is "
    "no\n"
    "terminal, the looks are printed one after the other. NO_COLOR is heeded.\n"
    "\n"
    "Exit codes: 0; 1: the process cannot be looked at, or has ended; 2: the command line is "
    "wrong.\n";

}  // namespace

Subcommand TopCommand() {
  Subcommand subcommand;
  subcommand.name = kName;
  subcommand.operands = "[PID]";
  subcommand.summary = "Shows heaps as they change";
  subcommand.details = kDetails;
  subcommand.flags = {"delay", "iterations"};
  subcommand.run = &Run;
  return subcommand;
}

}  // namespace mymalloc::command
