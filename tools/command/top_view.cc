#include "tools/command/top_view.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/command/ps.h"
#include "tools/command/stats.h"
#include "tools/look/heap_reader.h"
#include "tools/look/library.h"
#include "tools/look/resident.h"

namespace mymalloc::command {
namespace {

constexpr const char* kSortNames[] = {"live", "growth", "unused", "name"};

std::string Rate(double per_second) {
  const auto bytes = static_cast<uint64_t>(std::fabs(per_second));
  if (bytes == 0) return "0";
  return absl::StrCat(per_second < 0 ? "-" : "+", HumanBytes(bytes), "/s");
}

// What growth is known by.
std::string ClassKey(SizeClass c) { return absl::StrCat("class ", StrideOf(c)); }
std::string HeapKey(uint32_t heap) { return absl::StrCat("heap ", heap); }

}  // namespace

struct TopView::Row {
  std::string text;
  std::string name;
  double live = 0;
  double growth = 0;
  double unused = 0;
  pid_t pid = 0;

  double Of(SortBy by) const {
    return by == SortBy::kGrowth ? growth : by == SortBy::kUnused ? unused : live;
  }
};

double TopView::GrowthOf(const std::string& key) const {
  const auto found = growths_.find(key);
  return found == growths_.end() ? 0.0 : found->second.per_second;
}

double TopView::NoteGrowth(const std::string& key, uint64_t bytes) {
  const Clock::time_point now = Clock::now();
  const auto found = growths_.find(key);
  if (found == growths_.end()) {
    growths_[key] = {bytes, 0, now};
    return 0;
  }
  Growth& growth = found->second;
  const double seconds = std::chrono::duration<double>(now - growth.at).count();
  if (seconds > 0.1) {
    growth.per_second = (static_cast<double>(bytes) - static_cast<double>(growth.bytes)) / seconds;
    growth.bytes = bytes;
    growth.at = now;
  }
  return growth.per_second;
}

void TopView::SortByNext() {
  sort_by_ =
      static_cast<SortBy>((static_cast<int>(sort_by_) + 1) % static_cast<int>(SortBy::kCount));
}

std::string TopView::SortName() const {
  return absl::StrCat(kSortNames[static_cast<int>(sort_by_)], reversed_ ? ", reversed" : "");
}

template <typename AnyRow>
void TopView::Sort(std::vector<AnyRow>* rows) const {
  std::stable_sort(rows->begin(), rows->end(), [this](const AnyRow& a, const AnyRow& b) {
    if (sort_by_ == SortBy::kName) return a.name < b.name;
    return a.Of(sort_by_) > b.Of(sort_by_);
  });
  if (reversed_) std::reverse(rows->begin(), rows->end());
}

void TopView::ReadAll() { list_ = ListProcesses(); }

bool TopView::ReadProcess(pid_t pid, std::string* error) {
  heap_ = {};
  heap_.target = look::OpenProcess(pid, error);
  if (heap_.target == nullptr) return false;
  const look::LibraryFound found = look::FindLibrary(*heap_.target, &heap_.descriptor);
  if (found != look::LibraryFound::kYes) {
    *error = look::ExplainNotFound(*heap_.target, found, heap_.descriptor);
    return false;
  }
  look::ReadHeap(heap_.target.get(), heap_.descriptor, /*stopped=*/false, &heap_.model);
  figures_ = look::CountFigures(heap_.model);
  NoteGrowth("live", figures_.live.bytes);
  for (const SizeClass c : EachPageClass()) {
    NoteGrowth(ClassKey(c), figures_.classes[c.value()].live.bytes);
  }
  for (const auto& [id, pages] : figures_.heaps) NoteGrowth(HeapKey(id), pages.live.bytes);
  return true;
}

std::string TopView::ProcessJson() const { return StatsJson(heap_, figures_); }
std::string TopView::AllJson() const { return ProcessListJson(list_); }

std::vector<ScreenLine> TopView::AllLines() {
  std::vector<Row> rows;
  for (const ProcessRow& process : list_.rows) {
    Row row;
    row.name = process.command;
    row.pid = process.pid;
    row.live = static_cast<double>(process.figures.live.bytes);
    row.growth = NoteGrowth(absl::StrCat("process ", process.pid), process.figures.live.bytes);
    row.unused = static_cast<double>(process.figures.HeldBytes()) - row.live;
    row.text = absl::StrFormat("%9d%12s%14s%12s%12s  %s", process.pid,
                               HumanBytes(process.figures.live.bytes), Rate(row.growth),
                               HumanBytes(static_cast<uint64_t>(row.unused)),
                               HumanBytes(process.resident), process.command);
    rows.push_back(std::move(row));
  }
  Sort(&rows);
  const bool selected_is_there =
      std::any_of(rows.begin(), rows.end(), [this](const Row& r) { return r.pid == selected_; });
  if (!selected_is_there) selected_ = rows.empty() ? 0 : rows[0].pid;
  std::vector<ScreenLine> lines;
  lines.push_back(
      {absl::StrFormat("%d processes on mymalloc, by %s   q ends, s sorts, r reverses, "
                       "up and down choose, Enter looks into one",
                       rows.size(), SortName())});
  lines.push_back({absl::StrFormat("%9s%12s%14s%12s%12s  %s", "pid", "live", "growth", "unused",
                                   "resident", "command")});
  for (const Row& row : rows) lines.push_back({row.text, row.pid == selected_});
  list_.rows.clear();
  for (const Row& row : rows) list_.rows.push_back({row.pid, row.name, "", true, 0, {}});
  return lines;
}

void TopView::MoveSelection(int by) {
  for (size_t i = 0; i < list_.rows.size(); ++i) {
    if (list_.rows[i].pid != selected_) continue;
    const auto last = static_cast<int>(list_.rows.size()) - 1;
    const int to = std::max(0, std::min(last, static_cast<int>(i) + by));
    selected_ = list_.rows[static_cast<size_t>(to)].pid;
    return;
  }
}

std::string TopView::Title() const {
  const pid_t pid = heap_.target->pid();
  return absl::StrFormat("process %d  %s  mymalloc %s%s  resident %s", pid, heap_.target->program(),
                         heap_.model.version, heap_.model.damages == 0 ? "" : "  DAMAGED",
                         HumanBytes(look::ResidentBytes(pid)));
}

TopView::Row TopView::RowOf(const std::string& label, const std::string& key,
                            const look::PageFigures& p) const {
  Row row;
  const uint64_t unused = p.HeldBytes() - p.live.bytes;
  row.live = static_cast<double>(p.live.bytes);
  row.unused = static_cast<double>(unused);
  row.growth = GrowthOf(key);
  const double share = p.HeldBytes() == 0 ? 0 : row.unused / static_cast<double>(p.HeldBytes());
  row.name = absl::StrFormat("%9s", label);
  row.text = absl::StrFormat("%s%9s%13s%12s%14s%12s%7.1f%%", row.name, Grouped(p.pages),
                             Grouped(p.live.blocks), HumanBytes(p.live.bytes), Rate(row.growth),
                             HumanBytes(unused), 100 * share);
  return row;
}

std::vector<TopView::Row> TopView::RowsOfProcess() const {
  std::vector<Row> rows;
  if (by_heap_) {
    for (const auto& [id, p] : figures_.heaps)
      rows.push_back(RowOf(absl::StrCat(id), HeapKey(id), p));
    return rows;
  }
  for (const SizeClass c : EachPageClass()) {
    const look::PageFigures& p = figures_.classes[c.value()];
    if (p.pages == 0) continue;
    rows.push_back(RowOf(absl::StrCat(StrideOf(c), IsRunClass(c) ? "r" : ""), ClassKey(c), p));
  }
  return rows;
}

std::vector<ScreenLine> TopView::ProcessLines() const {
  const look::Figures& f = figures_;
  std::vector<ScreenLine> lines = {{Title()}};
  lines.push_back({absl::StrFormat(
      "live %s in %s blocks, %s   unused %s (%.1f%%): threads %s, quarantine %s, pages %s, "
      "between %s",
      HumanBytes(f.live.bytes), Grouped(f.live.blocks), Rate(GrowthOf("live")),
      HumanBytes(f.HeldBytes() - f.live.bytes), 100 * f.Fragmentation(),
      HumanBytes(f.pages.cached.bytes), HumanBytes(f.pages.quarantined.bytes),
      HumanBytes(f.pages.dirty.bytes), HumanBytes(f.free_dirty))});
  lines.push_back(
      {absl::StrFormat("by %s   q ends, s sorts, r reverses, h shows %s, Escape goes back",
                       SortName(), by_heap_ ? "classes" : "heaps")});
  lines.push_back({absl::StrFormat("%9s%9s%13s%12s%14s%12s%8s", by_heap_ ? "heap" : "slot", "pages",
                                   "live blocks", "live", "growth", "unused", "")});
  std::vector<Row> rows = RowsOfProcess();
  Sort(&rows);
  for (Row& row : rows) lines.push_back({std::move(row.text)});
  if (f.large.blocks != 0) {
    lines.push_back({absl::StrFormat("%9s%9s%13s%12s", "large", "", Grouped(f.large.blocks),
                                     HumanBytes(f.large.bytes))});
  }
  return lines;
}

}  // namespace mymalloc::command
