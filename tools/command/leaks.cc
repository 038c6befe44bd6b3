#include "tools/command/leaks.h"

#include <errno.h>
#include <sys/wait.h>

#include <cstdint>
#include <cstdio>
#include <cstring>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "tools/command/leak_report.h"
#include "tools/command/opened_heap.h"
#include "tools/command/output_format.h"
#include "tools/command/preloading.h"
#include "tools/command/progress.h"
#include "tools/command/supervisor.h"
#include "tools/command/traced_program.h"
#include "tools/look/leak_search.h"
#include "tools/look/library.h"

ABSL_DECLARE_FLAG(uint32_t, limit);
ABSL_DECLARE_FLAG(std::string, library);
ABSL_DECLARE_FLAG(std::string, options);
ABSL_FLAG(int32_t, exit_code, 0, "the exit code where there are leaks: 23, say, for a test");

namespace mymalloc::command {
namespace {

constexpr char kName[] = "leaks";
constexpr int kNotFound = 127;
constexpr int kCannotExecute = 126;

struct Outcome {
  bool looked = false;
  bool leaks = false;
  std::string text;
};

Outcome Search(OpenedHeap* heap, const std::vector<look::Thread>* threads) {
  Outcome outcome;
  look::LeakResult result;
  heap->target->TellReads(&NoteRead);
  std::string error;
  if (!look::SearchLeaks(heap->target.get(), heap->descriptor, threads, &result, &error)) {
    Complain(kName, error);
    return outcome;
  }
  if (!result.damage.empty()) {
    Complain(kName, result.damage);
    return outcome;
  }
  outcome.looked = true;
  outcome.leaks = !result.leaks.empty();
  look::Names names(*heap->target);
  const std::vector<LeakGroup> groups = GroupLeaks(*heap->target, result, &names);
  const bool json = absl::GetFlag(FLAGS_format) == OutputFormat::kJson;
  outcome.text =
      json ? LeakJson(result, groups) : LeakText(result, groups, absl::GetFlag(FLAGS_limit));
  return outcome;
}

int CodeOf(const Outcome& outcome, int code) {
  if (!outcome.looked) return kFailed;
  const int wanted = absl::GetFlag(FLAGS_exit_code);
  return outcome.leaks && wanted != 0 ? wanted : code;
}

int OfTarget(const std::string& operand) {
  OpenedHeap heap;
  if (!OpenLibrary(kName, operand, &heap)) return kFailed;
  if (absl::GetFlag(FLAGS_stop)) {
    std::string error;
    heap.stop = heap.target->StopThreads(&error);
    if (heap.stop == nullptr) {
      Complain(kName, error);
      return kFailed;
    }
  }
  const Outcome outcome = Search(&heap, heap.stop == nullptr ? nullptr : &heap.stop->threads);
  return Print(outcome.text, CodeOf(outcome, 0));
}

// The program has ended, but for its memory. What it wrote is its own: the report is on stderr.
void AtEnd(pid_t pid, const std::vector<look::Thread>& threads, Outcome* outcome) {
  OpenedHeap heap;
  if (!OpenLibrary(kName, absl::StrCat(pid), &heap)) return;
  *outcome = Search(&heap, &threads);
  EndProgress();
  std::fwrite(outcome->text.data(), 1, outcome->text.size(), stderr);
}

int OfProgram(const std::vector<std::string>& arguments) {
  std::string error;
  const std::string library = FindLibrary(absl::GetFlag(FLAGS_library), &error);
  if (library.empty()) {
    Complain(kName, error);
    return kFailed;
  }
  Preload(library);
  AddOptions(absl::GetFlag(FLAGS_options));
  Outcome outcome;
  const Ending ending =
      RunTraced(arguments, [&](pid_t pid, const auto& threads) { AtEnd(pid, threads, &outcome); });
  if (ending.exec_error != 0) {
    Complain(kName, absl::StrCat(arguments[0], ": ", strerror(ending.exec_error)));
    return ending.exec_error == ENOENT ? kNotFound : kCannotExecute;
  }
  if (WIFSIGNALED(ending.status)) EndLike(ending.status);
  return CodeOf(outcome, WEXITSTATUS(ending.status));
}

int Run(const std::vector<std::string>& operands) {
  if (operands.size() >= 2 && operands[0] == "--") {
    return OfProgram({operands.begin() + 1, operands.end()});
  }
  if (operands.size() == 1 && operands[0] != "--") return OfTarget(operands[0]);
  Complain(kName, "give one target, or a program behind --");
  return kUsageError;
}

constexpr char kDetails[] =
    "A block is leaked if no word leads to it, or into it, from the registers, the stacks, "
    "thread-local and\n"
    "static data, and the blocks that these lead to. Those that only other leaked blocks lead to "
    "are counted\n"
    "with them. Any word that may be an address is taken for one: so a leak may be missed, but "
    "what is shown\n"
    "is one, unless the program keeps its pointers in another form than as they are, or "
    "elsewhere.\n"
    "\n"
    "A process is stopped only while its registers, its stacks and the like are read; the blocks "
    "are read\n"
    "while it runs on. As pointers move meanwhile, that is done twice or more, and shown is what "
    "was found\n"
    "lost each time. A program behind -- is run with the library, and looked at when it exits; the "
    "report is\n"
    "then on stderr.\n"
    "\n"
    "Exit codes: 0, or the program's; with --exit-code=N, N if there are leaks; 1: the target "
    "cannot be\n"
    "looked at, or its metadata is damaged; 2: the command line is wrong; 126, 127: the program "
    "cannot be\n"
    "executed, or is not there.\n";

}  // namespace

Subcommand LeaksCommand() {
  Subcommand subcommand;
  subcommand.name = kName;
  subcommand.operands = absl::StrCat(kTargetOperand, " | -- PROGRAM [ARGUMENT...]");
  subcommand.summary = "Finds blocks that nothing reaches any more";
  subcommand.details = absl::StrCat(kTargetHelp, "\n", kDetails);
  subcommand.flags = {"exit_code", "limit", "format", "stop", "library", "options"};
  subcommand.may_take_program = true;
  subcommand.run = &Run;
  return subcommand;
}

}  // namespace mymalloc::command
