#include "tools/command/top.h"

#include <chrono>
#include <climits>
#include <cstdint>
#include <thread>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tools/command/output_format.h"
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
    return Repeat([&] { return Show(&terminal); }, [&] { return WaitForNext(&terminal); });
  }

  // The same, a line of JSON for each look.
  std::string RunForPrograms() {
    const std::chrono::duration<double> delay(absl::GetFlag(FLAGS_delay));
    return Repeat([&] { return Print(pid_ != 0 ? view_.ProcessJson() : view_.AllJson()) == 0; },
                  [&] {
                    std::this_thread::sleep_for(delay);
                    return true;
                  });
  }

 private:
  template <typename ShowOne, typename Wait>
  std::string Repeat(const ShowOne& show, const Wait& wait) {
    const uint32_t most = absl::GetFlag(FLAGS_iterations);
    for (uint32_t i = 0; most == 0 || i < most; ++i) {
      std::string error;
      if (!Look(&error)) return error;
      if (!show()) return "";
      const bool is_last = most != 0 && i + 1 == most;
      if (!is_last && !wait()) return "";
    }
    return "";
  }

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
      if (key == 'h') view_.ShowOther();
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
  Top top(static_cast<pid_t>(pid));
  const bool json = absl::GetFlag(FLAGS_format) == OutputFormat::kJson;
  const std::string error = json ? top.RunForPrograms() : top.Run();
  if (error.empty()) return 0;
  Complain(kName, error);
  return kFailed;
}

constexpr char kDetails[] =
    "Shows all processes that run on the library, or one: what is live, by how much that grows, "
    "and what\n"
    "is free and perhaps resident (unused). Keys: q ends, s sorts by the next column, r reverses "
    "the order;\n"
    "up and down choose a process, Enter looks into it, h shows its heaps in place of its "
    "classes,\n"
    "Escape goes back. Where stdin or stdout is no terminal, the looks are printed one after the "
    "other.\n"
    "NO_COLOR is heeded. --format=json prints for each look a line as `mymalloc ps` or, of one "
    "process,\n"
    "`mymalloc stats` does.\n"
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
  subcommand.flags = {"delay", "iterations", "format"};
  subcommand.run = &Run;
  return subcommand;
}

}  // namespace mymalloc::command
