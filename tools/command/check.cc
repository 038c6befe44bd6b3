#include "tools/command/check.h"

#include <chrono>
#include <thread>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "tools/command/json.h"
#include "tools/command/opened_heap.h"
#include "tools/command/output_format.h"
#include "tools/look/heap_check.h"
#include "tools/look/heap_reader.h"

namespace mymalloc::command {
namespace {

constexpr char kName[] = "check";
constexpr int kWrong = 3;

using look::CheckResult;

// One more look, at the process stopped. False after a complaint.
bool LookAgain(OpenedHeap* heap, CheckResult* result) {
  std::string error;
  heap->stop = heap->target->StopThreads(&error);
  if (heap->stop == nullptr) {
    Complain(kName, error);
    return false;
  }
  look::ReadHeap(heap->target.get(), heap->descriptor, /*stopped=*/true, &heap->model);
  *result = look::CheckHeap(heap->target->memory(), heap->model);
  heap->stop.reset();
  return true;
}

// What is on its way while the process runs, or where a thread was stopped in the midst of it, is
// told from what is wrong by looking again: that does not last.
bool CheckSeveralTimes(OpenedHeap* heap, CheckResult* result) {
  constexpr int kLooks = 8;
  *result = look::CheckHeap(heap->target->memory(), heap->model);
  if (!heap->target->is_live() || heap->stop != nullptr) return true;
  for (int i = 0; i < kLooks && result->wrong != 0; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (!LookAgain(heap, result)) return false;
  }
  return true;
}

std::string TextOf(const CheckResult& result) {
  std::string text;
  for (const std::string& what : result.told) absl::StrAppend(&text, what, "\n");
  if (result.wrong > result.told.size()) {
    absl::StrAppend(&text, "and ", result.wrong - result.told.size(), " more\n");
  }
  absl::StrAppend(&text, Grouped(result.blocks), " blocks, ", Grouped(result.pages), " pages: ",
                  result.wrong == 0 ? "all sound" : absl::StrCat(result.wrong, " wrong"), "\n");
  return text;
}

std::string JsonOf(const CheckResult& result) {
  JsonWriter json;
  json.Begin('{').Key("blocks").Value(result.blocks).Key("pages").Value(result.pages);
  json.Key("wrong").Value(result.wrong).Key("what").Begin('[');
  for (const std::string& what : result.told) json.Value(what);
  return absl::StrCat(json.End(']').End('}').text(), "\n");
}

int Run(const std::vector<std::string>& operands) {
  if (operands.size() != 1) {
    Complain(kName, "give one target; mymalloc check --help says what that is");
    return kUsageError;
  }
  OpenedHeap heap;
  CheckResult result;
  if (!OpenHeap(kName, operands[0], &heap) || !CheckSeveralTimes(&heap, &result)) return kFailed;
  const bool json = absl::GetFlag(FLAGS_format) == OutputFormat::kJson;
  return Print(json ? JsonOf(result) : TextOf(result), result.wrong == 0 ? 0 : kWrong);
}

constexpr char kDetails[] =
    "Looked at are the trees, the header and the bitmaps of each page, what threads hold, the tag "
    "of each\n"
    "block, and the fence behind each live one: so a block that was overrun is found before it is "
    "freed.\n"
    "What looks wrong while the process runs is looked at again, up to eight times, while it is "
    "stopped: what\n"
    "a thread is about does not last.\n"
    "\n"
    "Exit codes: 0: all is sound; 1: the target cannot be looked at; 2: the command line is wrong; "
    "3:\n"
    "something is wrong.\n";

}  // namespace

Subcommand CheckCommand() {
  Subcommand subcommand;
  subcommand.name = kName;
  subcommand.operands = kTargetOperand;
  subcommand.summary = "Verifies a heap: trees, page headers, bitmaps, tags, fences";
  subcommand.details = absl::StrCat(kTargetHelp, "\n", kDetails);
  subcommand.flags = {"format", "stop"};
  subcommand.run = &Run;
  return subcommand;
}

}  // namespace mymalloc::command
