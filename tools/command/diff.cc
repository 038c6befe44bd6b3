#include "tools/command/diff.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/command/json.h"
#include "tools/command/opened_heap.h"
#include "tools/command/output_format.h"
#include "tools/look/figures.h"
#include "tools/look/type_table.h"

ABSL_DECLARE_FLAG(uint32_t, limit);

namespace mymalloc::command {
namespace {

constexpr char kName[] = "diff";

struct Change {
  std::string name;
  int64_t blocks = 0;
  int64_t bytes = 0;
};

// What there is of one heap, by name.
struct Counted {
  look::Figures figures;
  std::vector<look::TypeRow> types;
  bool damaged = false;
};

bool Count(const std::string& operand, Counted* counted) {
  OpenedHeap heap;
  if (!OpenHeap(kName, operand, &heap)) return false;
  look::Names names(*heap.target);
  counted->figures = look::CountFigures(heap.model);
  counted->types = look::CountTypes(heap.target->memory(), heap.model, &names);
  counted->damaged = ExitCode(kName, heap.model) != 0;
  return true;
}

class Changes {
 public:
  void Add(const std::string& name, uint64_t blocks, uint64_t bytes, int sign) {
    Change& change = by_name_[name];
    change.name = name;
    change.blocks += sign * static_cast<int64_t>(blocks);
    change.bytes += sign * static_cast<int64_t>(bytes);
  }
  // Those that are any, what grew most first.
  std::vector<Change> Sorted() const {
    std::vector<Change> changes;
    for (const auto& change : by_name_) {
      if (change.second.blocks != 0 || change.second.bytes != 0) changes.push_back(change.second);
    }
    std::stable_sort(changes.begin(), changes.end(),
                     [](const Change& a, const Change& b) { return a.bytes > b.bytes; });
    return changes;
  }

 private:
  std::map<std::string, Change> by_name_;
};

std::vector<Change> ChangedTypes(const Counted& before, const Counted& after) {
  Changes changes;
  for (const look::TypeRow& row : before.types) changes.Add(row.name, row.blocks, row.bytes, -1);
  for (const look::TypeRow& row : after.types) changes.Add(row.name, row.blocks, row.bytes, 1);
  return changes.Sorted();
}

std::vector<Change> ChangedSizes(const Counted& before, const Counted& after) {
  Changes changes;
  for (const auto& [counted, sign] : {std::make_pair(&before, -1), std::make_pair(&after, 1)}) {
    for (const SizeClass c : EachPageClass()) {
      const look::Amount& live = counted->figures.classes[c.value()].live;
      changes.Add(absl::StrCat("slots of ", StrideOf(c), IsRunClass(c) ? ", runs" : ""),
                  live.blocks, live.bytes, sign);
    }
    changes.Add("large", counted->figures.large.blocks, counted->figures.large.bytes, sign);
  }
  return changes.Sorted();
}

std::string Signed(int64_t number, const std::string& text) {
  return absl::StrCat(number > 0 ? "+" : number < 0 ? "-" : "", text);
}
uint64_t Magnitude(int64_t number) { return static_cast<uint64_t>(std::llabs(number)); }

void AppendTable(const char* what, const std::vector<Change>& changes, std::string* text) {
  absl::StrAppendFormat(text, "\n%13s%12s  %s\n", "blocks", "bytes", what);
  const uint32_t limit = absl::GetFlag(FLAGS_limit);
  size_t shown = 0;
  for (const Change& change : changes) {
    if (limit != 0 && shown++ == limit) break;
    absl::StrAppendFormat(text, "%13s%12s  %s\n",
                          Signed(change.blocks, Grouped(Magnitude(change.blocks))),
                          Signed(change.bytes, HumanBytes(Magnitude(change.bytes))), change.name);
  }
  if (changes.empty()) absl::StrAppend(text, "                         nothing\n");
}

std::string TextOf(const Counted& before, const Counted& after) {
  const look::Amount& was = before.figures.live;
  const look::Amount& is = after.figures.live;
  std::string text =
      absl::StrCat("live: ", Grouped(was.blocks), " blocks, ", HumanBytes(was.bytes), " before; ",
                   Grouped(is.blocks), " blocks, ", HumanBytes(is.bytes), " after\n");
  AppendTable("type", ChangedTypes(before, after), &text);
  AppendTable("size", ChangedSizes(before, after), &text);
  return text;
}

void WriteTable(const char* name, const std::vector<Change>& changes, std::string* text) {
  absl::StrAppend(text, JsonString(name), ":[");
  for (size_t i = 0; i < changes.size(); ++i) {
    absl::StrAppend(text, i == 0 ? "" : ",", "{\"name\":", JsonString(changes[i].name),
                    ",\"blocks\":", changes[i].blocks, ",\"bytes\":", changes[i].bytes, "}");
  }
  *text += "]";
}

std::string JsonOf(const Counted& before, const Counted& after) {
  std::string text = "{";
  WriteTable("types", ChangedTypes(before, after), &text);
  text += ",";
  WriteTable("sizes", ChangedSizes(before, after), &text);
  return text + "}\n";
}

int Run(const std::vector<std::string>& operands) {
  if (operands.size() != 2) {
    Complain(kName, "give two targets: what was before, and what is after");
    return kUsageError;
  }
  Counted before;
  Counted after;
  if (!Count(operands[0], &before) || !Count(operands[1], &after)) return kFailed;
  const bool json = absl::GetFlag(FLAGS_format) == OutputFormat::kJson;
  const int code = Print(json ? JsonOf(before, after) : TextOf(before, after));
  return before.damaged || after.damaged ? kFailed : code;
}

constexpr char kDetails[] =
    "What there is more of, and less, by what blocks look like (see mymalloc types) and by their "
    "sizes.\n"
    "Any two of processes, core files and snapshots; most useful of one process at two times.\n"
    "\n"
    "Exit codes: 0; 1: a target cannot be looked at, or its metadata is damaged; 2: the command "
    "line is\n"
    "wrong.\n";

}  // namespace

Subcommand DiffCommand() {
  Subcommand subcommand;
  subcommand.name = kName;
  subcommand.operands = "BEFORE AFTER";
  subcommand.summary = "Says what grew between two heaps, by type and by size";
  subcommand.details = absl::StrCat(kTargetHelp, "\n", kDetails);
  subcommand.flags = {"limit", "format", "stop"};
  subcommand.run = &Run;
  return subcommand;
}

}  // namespace mymalloc::command
