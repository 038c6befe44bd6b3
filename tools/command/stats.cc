#include "tools/command/stats.h"

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/command/json.h"
#include "tools/command/opened_heap.h"
#include "tools/command/output_format.h"
#include "tools/look/figures.h"
#include "tools/look/referrers.h"
#include "tools/look/resident.h"

namespace mymalloc::command {
namespace {

constexpr char kName[] = "stats";

using look::Amount;
using look::Figures;
using look::PageFigures;

void AppendAmount(const char* label, uint64_t bytes, const std::string& more, std::string* text) {
  absl::StrAppendFormat(text, "  %-28s%12s%s%s\n", label, HumanBytes(bytes),
                        more.empty() ? "" : "   ", more);
}
void AppendBlocks(const char* label, const Amount& amount, std::string* text) {
  AppendAmount(label, amount.bytes, absl::StrCat(Grouped(amount.blocks), " blocks"), text);
}

// 0 where it is not known: of what does not run.
struct Resident {
  uint64_t heap = 0;
  uint64_t process = 0;
};

Resident ResidentOf(const OpenedHeap& heap) {
  if (!heap.target->is_live()) return {};
  const pid_t pid = heap.target->pid();
  return {look::ResidentBytes(*heap.target, look::OwnRanges(heap.model)), look::ResidentBytes(pid)};
}

void AppendTotals(const OpenedHeap& heap, const Figures& f, std::string* text) {
  absl::StrAppend(text, heap.target->is_live() ? "process " : "", heap.target->name(), "  ",
                  heap.target->program(), "  mymalloc ", heap.model.version, "\n\n");
  AppendBlocks("live", f.live, text);
  AppendBlocks("  in pages", f.pages.live, text);
  AppendBlocks("  large", f.large, text);
  if (f.sampled.blocks != 0) AppendBlocks("  sampled", f.sampled, text);
  AppendAmount("free, perhaps resident", f.HeldBytes() - f.live.bytes, "", text);
  AppendBlocks("  held by threads", f.pages.cached, text);
  AppendBlocks("  in quarantine", f.pages.quarantined, text);
  AppendBlocks("  in pages", f.pages.dirty, text);
  AppendAmount("  between pages", f.free_dirty, absl::StrCat(f.free_ranges, " free ranges"), text);
  AppendBlocks("  large, held back", f.held_large, text);
  AppendAmount("given back, or never touched", f.pages.clean.bytes + f.free_clean, "", text);
  AppendAmount("the allocator's own", f.metadata, "mapped", text);
  const Resident resident = ResidentOf(heap);
  if (resident.heap != 0) {
    AppendAmount("all of that, resident", resident.heap, "as the kernel counts", text);
  }
  if (resident.process != 0) {
    AppendAmount("the whole process, resident", resident.process, "", text);
  }
  absl::StrAppendFormat(text, "  %-28s%11.1f%%\n", "fragmentation", 100 * f.Fragmentation());
}

void AppendRow(const std::string& label, const PageFigures& p, std::string* text) {
  absl::StrAppendFormat(
      text, "%9s%9s%13s%12s%12s%12s%12s%7.1f%%\n", label, Grouped(p.pages), Grouped(p.live.blocks),
      HumanBytes(p.live.bytes), HumanBytes(p.cached.bytes + p.quarantined.bytes),
      HumanBytes(p.dirty.bytes), HumanBytes(p.clean.bytes),
      p.HeldBytes() == 0
          ? 0.0
          : 100.0 - 100.0 * static_cast<double>(p.live.bytes) / static_cast<double>(p.HeldBytes()));
}

void AppendHeader(const char* what, std::string* text) {
  absl::StrAppendFormat(text, "\n%9s%9s%13s%12s%12s%12s%12s%8s\n", what, "pages", "live blocks",
                        "live", "held", "free", "clean", "unused");
}

std::string TextOf(const OpenedHeap& heap, const Figures& figures) {
  std::string text;
  AppendTotals(heap, figures, &text);
  AppendHeader("slot", &text);
  for (const SizeClass c : EachPageClass()) {
    const PageFigures& p = figures.classes[c.value()];
    if (p.pages != 0) AppendRow(absl::StrCat(StrideOf(c), IsRunClass(c) ? "r" : ""), p, &text);
  }
  AppendHeader("heap", &text);
  for (const auto& [id, p] : figures.heaps) AppendRow(absl::StrCat(id), p, &text);
  return text;
}

void WriteAmount(const char* name, const Amount& amount, JsonWriter* json) {
  json->Key(name).Begin('{').Key("blocks").Value(amount.blocks);
  json->Key("bytes").Value(amount.bytes).End('}');
}

void WritePages(const PageFigures& p, JsonWriter* json) {
  json->Key("pages").Value(p.pages).Key("page_bytes").Value(p.bytes);
  WriteAmount("live", p.live, json);
  WriteAmount("cached", p.cached, json);
  WriteAmount("quarantined", p.quarantined, json);
  WriteAmount("free", p.dirty, json);
  WriteAmount("clean", p.clean, json);
}

}  // namespace

std::string StatsJson(const OpenedHeap& heap, const Figures& f) {
  JsonWriter json;
  json.Begin('{').Key("version").Value(uint64_t{1}).Key("target").Value(heap.target->name());
  json.Key("program").Value(heap.target->program()).Key("mymalloc").Value(heap.model.version);
  WriteAmount("live", f.live, &json);
  WriteAmount("large", f.large, &json);
  WriteAmount("sampled", f.sampled, &json);
  WriteAmount("large_held_back", f.held_large, &json);
  json.Key("in_pages").Begin('{');
  WritePages(f.pages, &json);
  json.End('}').Key("free_ranges").Value(f.free_ranges);
  json.Key("free_ranges_dirty").Value(f.free_dirty).Key("free_ranges_clean").Value(f.free_clean);
  json.Key("metadata").Value(f.metadata).Key("held").Value(f.HeldBytes());
  const Resident resident = ResidentOf(heap);
  json.Key("heap_resident").Value(resident.heap).Key("process_resident").Value(resident.process);
  json.Key("classes").Begin('[');
  for (const SizeClass c : EachPageClass()) {
    if (f.classes[c.value()].pages == 0) continue;
    json.Begin('{').Key("class").Value(uint64_t{c.value()}).Key("stride").Value(StrideOf(c));
    json.Key("runs").Value(IsRunClass(c));
    WritePages(f.classes[c.value()], &json);
    json.End('}');
  }
  json.End(']').Key("heaps").Begin('[');
  for (const auto& [id, pages] : f.heaps) {
    json.Begin('{').Key("heap").Value(uint64_t{id});
    WritePages(pages, &json);
    json.End('}');
  }
  json.End(']').Key("damage").Value(heap.model.DescribeDamage()).End('}');
  return absl::StrCat(json.text(), "\n");
}

namespace {

int Run(const std::vector<std::string>& operands) {
  if (operands.size() != 1) {
    Complain(kName, "give one target; mymalloc stats --help says what that is");
    return kUsageError;
  }
  OpenedHeap heap;
  if (!OpenHeap(kName, operands[0], &heap)) return kFailed;
  const Figures figures = look::CountFigures(heap.model);
  const bool json = absl::GetFlag(FLAGS_format) == OutputFormat::kJson;
  const int code = Print(json ? StatsJson(heap, figures) : TextOf(heap, figures));
  return ExitCode(kName, heap.model, code);
}

constexpr char kDetails[] =
    "Blocks and their bytes are counted by whole slots. `held`: free, in a thread's magazines or "
    "in\n"
    "quarantine. `free`: in pages, and perhaps resident. `clean`: free, and not resident. A slot "
    "that is\n"
    "marked r is of a page whose blocks have several slots.\n"
    "\n"
    "Exit codes: 0; 1: the target cannot be looked at, or its metadata is damaged (what is sound "
    "of it is\n"
    "counted); 2: the command line is wrong.\n";

}  // namespace

Subcommand StatsCommand() {
  Subcommand subcommand;
  subcommand.name = kName;
  subcommand.operands = kTargetOperand;
  subcommand.summary = "Counts what a heap holds: live, free and why, by class and by heap";
  subcommand.details = absl::StrCat(kTargetHelp, "\n", kDetails);
  subcommand.flags = {"format", "stop"};
  subcommand.run = &Run;
  return subcommand;
}

}  // namespace mymalloc::command
