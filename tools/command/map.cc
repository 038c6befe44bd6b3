#include "tools/command/map.h"

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "tools/command/map_json.h"
#include "tools/command/map_page.h"
#include "tools/command/map_types.h"
#include "tools/command/opened_heap.h"
#include "tools/command/output_format.h"

namespace mymalloc::command {
namespace {

constexpr char kName[] = "map";

std::string JsonOf(const OpenedHeap& heap) {
  const look::Target& target = *heap.target;
  const std::string title =
      absl::StrCat(target.is_live() ? absl::StrCat("process ", target.name()) : target.name(),
                   target.program().empty() ? "" : " ", target.program());
  return MapJson(title, heap.model, ReadMapTypes(target, heap.model));
}

int PrintPage(const OpenedHeap& heap, const std::string& path) {
  OutputFile file(path);
  if (file.fd() < 0) {
    Complain(kName, file.error());
    return kFailed;
  }
  const std::string told = WriteMapPage(kName, heap, &file);
  return told.empty() ? kFailed : Print(told);
}

int Run(const std::vector<std::string>& operands) {
  const std::string path = absl::GetFlag(FLAGS_output);
  const bool json = absl::GetFlag(FLAGS_format) == OutputFormat::kJson;
  if (operands.size() != 1 || path.empty() != json) {
    Complain(kName, "give one target, and a file by -o FILE.html, or --format=json");
    return kUsageError;
  }
  OpenedHeap heap;
  if (!OpenHeap(kName, operands[0], &heap)) return kFailed;
  return ExitCode(kName, heap.model, json ? Print(JsonOf(heap)) : PrintPage(heap, path));
}

constexpr char kDetails[] =
    "The page has every page of slots as a tile, with the state of each slot; large blocks and "
    "free "
    "ranges\n"
    "to scale; and what keeps memory from going back. It needs no network.\n"
    "\n"
    "--format=json prints what the page is made from. In its `states` there is a letter for each "
    "slot of a page: L live, F free, c free and "
    "given back "
    "or never\n"
    "touched, C free and held by a thread, Q in quarantine, H the page's own, R the first slot of "
    "a "
    "live\n"
    "block of several, r another of its slots. `types` of a page says of live blocks that follow "
    "each other, as\n"
    "`mymalloc types` does, what they look like: the first one's slot, how many, and which of "
    "`type_names`.\n"
    "\n"
    "Exit codes: 0; 1: the target cannot be looked at, or its metadata is damaged; 2: the command "
    "line\n"
    "is wrong.\n";

}  // namespace

std::string WriteMapPage(const std::string& subcommand, const OpenedHeap& heap, OutputFile* file) {
  std::string wrong;
  const std::string page = MapPage(JsonOf(heap), &wrong);
  if (!page.empty() && file->Write(page) && file->Keep()) {
    return absl::StrCat(file->path(), ": ", HumanBytes(page.size()), ", for any browser\n");
  }
  Complain(subcommand, page.empty() ? wrong : file->error());
  return "";
}

Subcommand MapCommand() {
  Subcommand subcommand;
  subcommand.name = kName;
  subcommand.operands = kTargetOperand;
  subcommand.summary = "Shows where everything in a heap lies";
  subcommand.details = absl::StrCat(kTargetHelp, "\n", kDetails);
  subcommand.flags = {"output", "format", "stop"};
  subcommand.run = &Run;
  return subcommand;
}

}  // namespace mymalloc::command
