#include "tools/command/map.h"

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "tools/command/map_json.h"
#include "tools/command/opened_heap.h"

ABSL_FLAG(bool, json, false, "print what the page is made from, as JSON");

namespace mymalloc::command {
namespace {

constexpr char kName[] = "map";

int Run(const std::vector<std::string>& operands) {
  if (operands.size() != 1 || !absl::GetFlag(FLAGS_json)) {
    Complain(kName, "give one target, and --json; mymalloc map --help says more");
    return kUsageError;
  }
  OpenedHeap heap;
  if (!OpenHeap(kName, operands[0], &heap)) return kFailed;
  const look::Target& target = *heap.target;
  const std::string title =
      absl::StrCat(target.is_live() ? absl::StrCat("process ", target.name()) : target.name(),
                   target.program().empty() ? "" : " ", target.program());
  return ExitCode(kName, heap.model, Print(MapJson(title, heap.model)));
}

constexpr char kDetails[] =
    "In `states` there is a letter for each slot of a page: L live, F free, c free and given back "
    "or never\n"
    "touched, C free and held by a thread, Q in quarantine, H the page's own, R the first slot of "
    "a "
    "live\n"
    "block of several, r another of its slots.\n"
    "\n"
    "Exit codes: 0; 1: the target cannot be looked at, or its metadata is damaged; 2: the command "
    "line\n"
    "is wrong.\n";

}  // namespace

Subcommand MapCommand() {
  Subcommand subcommand;
  subcommand.name = kName;
  subcommand.operands = kTargetOperand;
  subcommand.summary = "Shows where everything in a heap lies";
  subcommand.details = absl::StrCat(kTargetHelp, "\n", kDetails);
  subcommand.flags = {"json", "stop"};
  subcommand.run = &Run;
  return subcommand;
}

}  // namespace mymalloc::command
