#include "tools/command/ps.h"

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/command/json.h"
#include "tools/command/opened_heap.h"
#include "tools/command/output_format.h"
#include "tools/command/process_list.h"

namespace mymalloc::command {
namespace {

constexpr char kName[] = "ps";

std::string TextOf(const ProcessList& list) {
  std::string text = absl::StrFormat("%9s%12s%12s%12s%9s  %-9s%s\n", "pid", "live", "heap",
                                     "resident", "unused", "version", "command");
  for (const ProcessRow& row : list.rows) {
    if (!row.readable) {
      absl::StrAppendFormat(&text, "%9d%12s%12s%12s%9s  %-9s%s\n", row.pid, "?", "?",
                            HumanBytes(row.resident), "?", row.version, row.command);
      continue;
    }
    absl::StrAppendFormat(&text, "%9d%12s%12s%12s%8.1f%%  %-9s%s\n", row.pid,
                          HumanBytes(row.figures.live.bytes), HumanBytes(row.figures.HeldBytes()),
                          HumanBytes(row.resident), 100 * row.figures.Fragmentation(), row.version,
                          row.command);
  }
  return text;
}

}  // namespace

std::string ProcessListJson(const ProcessList& list) {
  JsonWriter json;
  json.Begin('{').Key("processes").Begin('[');
  for (const ProcessRow& row : list.rows) {
    json.Begin('{').Key("pid").Value(static_cast<uint64_t>(row.pid));
    json.Key("command").Value(row.command).Key("mymalloc").Value(row.version);
    json.Key("readable").Value(row.readable).Key("resident").Value(row.resident);
    if (row.readable) {
      json.Key("live_blocks").Value(row.figures.live.blocks);
      json.Key("live_bytes").Value(row.figures.live.bytes);
      json.Key("held_bytes").Value(row.figures.HeldBytes());
    }
    json.End('}');
  }
  json.End(']').Key("hidden").Value(uint64_t{list.hidden}).End('}');
  return absl::StrCat(json.text(), "\n");
}

namespace {

int Run(const std::vector<std::string>& operands) {
  if (!operands.empty()) {
    Complain(kName, "takes no arguments; mymalloc ps --help says more");
    return kUsageError;
  }
  const ProcessList list = ListProcesses();
  const bool json = absl::GetFlag(FLAGS_format) == OutputFormat::kJson;
  const int code = Print(json ? ProcessListJson(list) : TextOf(list));
  if (!json && list.hidden != 0) {
    Complain(kName, absl::StrCat(list.hidden,
                                 " processes of others, or better protected, could "
                                 "not be looked into; root can"));
  }
  return code;
}

constexpr char kDetails[] =
    "live: what the program has allocated. heap: what of the heap may be resident, live or free. "
    "unused:\n"
    "the part of that which is not live. resident: the whole process. Question marks: the library "
    "there\n"
    "is of another version than this command.\n"
    "\n"
    "Exit codes: 0; 2: the command line is wrong.\n";

}  // namespace

Subcommand PsCommand() {
  Subcommand subcommand;
  subcommand.name = kName;
  subcommand.summary = "Lists the processes that run on the library, and what their heaps hold";
  subcommand.details = kDetails;
  subcommand.flags = {"format"};
  subcommand.run = &Run;
  return subcommand;
}

}  // namespace mymalloc::command
