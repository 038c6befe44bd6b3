// What each subcommand of `mymalloc` is: a file of its own, described to main.cc by one of these.

#ifndef MYMALLOC_TOOLS_COMMAND_SUBCOMMAND_H_
#define MYMALLOC_TOOLS_COMMAND_SUBCOMMAND_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace mymalloc::command {

// Exit codes that all subcommands share; 0 is success.
constexpr int kFailed = 1;      // what was asked for could not be had, or not all of it
constexpr int kUsageError = 2;  // the command line is wrong: nothing was done

struct Subcommand {
  std::string name;
  std::string operands;  // as usage shows them: "[FILE...]"
  std::string summary;   // one line
  std::string details;   // what --help says beyond that, with the exit codes
  // The names of the Abseil flags that it takes, as ABSL_FLAG has them. Others are refused, though
  // another subcommand may have them.
  std::vector<std::string> flags;
  // Whether the first operand is a program, and all that follows that program's.
  bool takes_program = false;
  // Whether a program may stand in the operands' place, behind "--": they then begin with that.
  bool may_take_program = false;
  int usage_error = kUsageError;
  // Gets the operands; returns the exit code.
  int (*run)(const std::vector<std::string>& operands) = nullptr;
};

// "mymalloc NAME: message" on stderr.
void Complain(absl::string_view name, absl::string_view message);

// Sets the subcommand's flags from its arguments, and leaves the operands. What is wrong, in words;
// empty if nothing is.
std::string ParseArguments(const Subcommand& subcommand, const std::vector<std::string>& arguments,
                           std::vector<std::string>* operands);

// What `mymalloc NAME --help` prints.
std::string HelpOf(const Subcommand& subcommand);

// Parses, runs, and returns the exit code.
int RunSubcommand(const Subcommand& subcommand, const std::vector<std::string>& arguments);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_SUBCOMMAND_H_
