// A child that stands in for its parent: signals, stops and the end are the same for both.

#ifndef MYMALLOC_TOOLS_COMMAND_SUPERVISOR_H_
#define MYMALLOC_TOOLS_COMMAND_SUPERVISOR_H_

#include <string>
#include <vector>

namespace mymalloc::command {

struct Ending {
  int exec_error = 0;  // errno; 0: the program ran
  int status = 0;      // as waitpid gives it
};

// Runs the program, found as a shell finds it, and returns when it has ended. A signal that this
// process gets meanwhile the child gets too; where the terminal has sent it to both, it is left to
// the child. If the child is stopped from the terminal, so is this process. From then on these
// signals are held up, until EndLike.
Ending RunAndWait(const std::vector<std::string>& arguments);

// Ends this process as that one has ended: with its exit code, or by its signal.
[[noreturn]] void EndLike(int status);

// Signals have their usual effect again. Those that came meanwhile are forgotten: they have been
// the child's.
void ReleaseSignals();

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_SUPERVISOR_H_
