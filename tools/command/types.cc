#include "tools/command/types.h"

#include <algorithm>
#include <cstdint>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/command/json.h"
#include "tools/command/opened_heap.h"
#include "tools/command/output_format.h"
#include "tools/look/type_table.h"

ABSL_FLAG(uint32_t, limit, 40, "so many rows at most; 0: all");

namespace mymalloc::command {
namespace {

constexpr char kName[] = "types";

using look::TypeRow;

size_t ShownOf(const std::vector<TypeRow>& rows) {
  const uint32_t limit = absl::GetFlag(FLAGS_limit);
  return limit == 0 ? rows.size() : std::min<size_t>(limit, rows.size());
}

std::string TextOf(const std::vector<TypeRow>& rows) {
  std::string text = absl::StrFormat("%13s%12s  %s\n", "blocks", "bytes", "type");
  TypeRow all;
  for (const TypeRow& row : rows) {
    all.blocks += row.blocks;
    all.bytes += row.bytes;
  }
  const size_t shown = ShownOf(rows);
  for (size_t i = 0; i < shown; ++i) {
    absl::StrAppendFormat(&text, "%13s%12s  %s  (%s)\n", Grouped(rows[i].blocks),
                          HumanBytes(rows[i].bytes), rows[i].name, HexAddress(rows[i].examples[0]));
  }
  if (shown < rows.size()) {
    absl::StrAppendFormat(&text, "%13s%12s  %d more types; --limit=0 shows all\n", "", "",
                          rows.size() - shown);
  }
  absl::StrAppendFormat(&text, "%13s%12s  all live memory\n", Grouped(all.blocks),
                        HumanBytes(all.bytes));
  return text;
}

std::string JsonOf(const std::vector<TypeRow>& rows) {
  JsonWriter json;
  json.Begin('[');
  for (size_t i = 0; i < ShownOf(rows); ++i) {
    json.Begin('{').Key("type").Value(rows[i].name).Key("blocks").Value(rows[i].blocks);
    json.Key("bytes").Value(rows[i].bytes).Key("examples").Begin('[');
    for (const uint64_t example : rows[i].examples) json.Value(HexAddress(example));
    json.End(']').End('}');
  }
  return absl::StrCat(json.End(']').text(), "\n");
}

int Run(const std::vector<std::string>& operands) {
  if (operands.size() != 1) {
    Complain(kName, "give one target; mymalloc types --help says what that is");
    return kUsageError;
  }
  OpenedHeap heap;
  if (!OpenHeap(kName, operands[0], &heap)) return kFailed;
  look::Names names(*heap.target);
  const std::vector<TypeRow> rows = look::CountTypes(heap.target->memory(), heap.model, &names);
  const bool json = absl::GetFlag(FLAGS_format) == OutputFormat::kJson;
  return ExitCode(kName, heap.model, Print(json ? JsonOf(rows) : TextOf(rows)));
}

constexpr char kDetails[] =
    "An object of a class with virtual functions begins with the address of a table, which has the "
    "class's\n"
    "name (or, without run-time type information, a symbol). Other blocks are told by what they "
    "begin with:\n"
    "a pointer into code, text, zeros; the rest by length. Bytes are those of whole slots; an "
    "address is\n"
    "that of one of the blocks.\n"
    "\n"
    "Exit codes: 0; 1: the target cannot be looked at, or its metadata is damaged; 2: the command "
    "line\n"
    "is wrong.\n";

}  // namespace

Subcommand TypesCommand() {
  Subcommand subcommand;
  subcommand.name = kName;
  subcommand.operands = kTargetOperand;
  subcommand.summary = "Shows live memory by C++ class, function pointers, text and the rest";
  subcommand.details = absl::StrCat(kTargetHelp, "\n", kDetails);
  subcommand.flags = {"limit", "format", "stop"};
  subcommand.run = &Run;
  return subcommand;
}

}  // namespace mymalloc::command
