#include "tools/command/top_view.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/command/opened_heap.h"
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

struct Row {
  std::string text;
  std::string name;
  double live = 0;
  double growth = 0;
  double unused = 0;
  pid_t pid = 0;
};

double Of(const Row& row, SortBy by) {
  return by == SortBy::kGrowth ? row.growth : by == SortBy::kUnused ? row.unused : row.live;
}

}  // namespace

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
    return Of(a, sort_by_) > Of(b, sort_by_);
  });
  if (reversed_) std::reverse(rows->begin(), rows->end());
}

void TopView::ReadAll() { list_ = ListProcesses(); }

bool TopView::ReadProcess(pid_t pid, std::string* error) {
  const std::unique_ptr<look::Target> target = look::OpenProcess(pid, error);
  if (target == nullptr) return false;
  Descriptor descriptor;
  const look::LibraryFound found = look::FindLibrary(*target, &descriptor);
  if (found != look::LibraryFound::kYes) {
    *error = look::ExplainNotFound(*target, found, descriptor);
    return false;
  }
  look::HeapModel model;
  look::ReadHeap(target.get(), descriptor, /*stopped=*/false, &model);
  figures_ = look::CountFigures(model);
  title_ = absl::StrFormat("process %d  %s  mymalloc %s%s", pid, target->program(), model.version,
                           model.damages == 0 ? "" : "  DAMAGED");
  absl::StrAppend(&title_, "  resident ", HumanBytes(look::ResidentBytes(pid)));
  NoteGrowth("live", figures_.live.bytes);
  for (const SizeClass c : EachPageClass()) {
    NoteGrowth(absl::StrCat(StrideOf(c)), figures_.classes[c.value()].live.bytes);
  }
  return true;
}

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

std::vector<ScreenLine> TopView::ProcessLines() const {
  const look::Figures& f = figures_;
  const auto growth_of = [this](const std::string& key) {
    const auto found = growths_.find(key);
    return found == growths_.end() ? 0.0 : found->second.per_second;
  };
  std::vector<ScreenLine> lines = {{title_}};
  lines.push_back({absl::StrFormat(
      "live %s in %s blocks, %s   unused %s (%.1f%%): threads %s, quarantine %s, pages %s, "
      "between %s",
      HumanBytes(f.live.bytes), Grouped(f.live.blocks), Rate(growth_of("live")),
      HumanBytes(f.HeldBytes() - f.live.bytes), 100 * f.Fragmentation(),
      HumanBytes(f.pages.cached.bytes), HumanBytes(f.pages.quarantined.bytes),
      HumanBytes(f.pages.dirty.bytes), HumanBytes(f.free_dirty))});
  lines.push_back(
      {absl::StrFormat("by %s   q ends, s sorts, r reverses, Escape goes back", SortName())});
  lines.push_back({absl::StrFormat("%9s%9s%13s%12s%14s%12s%8s", "slot", "pages", "live blocks",
                                   "live", "growth", "unused", "")});
  std::vector<Row> rows;
  for (const SizeClass c : EachPageClass()) {
    const look::PageFigures& p = f.classes[c.value()];
    if (p.pages == 0) continue;
    Row row;
    row.name = absl::StrFormat("%9d", StrideOf(c));
    row.live = static_cast<double>(p.live.bytes);
    row.growth = growth_of(absl::StrCat(StrideOf(c)));
    row.unused = static_cast<double>(p.HeldBytes() - p.live.bytes);
    const double share = p.HeldBytes() == 0 ? 0 : row.unused / static_cast<double>(p.HeldBytes());
    row.text = absl::StrFormat(
        "%9s%9s%13s%12s%14s%12s%7.1f%%", absl::StrCat(StrideOf(c), IsRunClass(c) ? "r" : ""),
        Grouped(p.pages), Grouped(p.live.blocks), HumanBytes(p.live.bytes), Rate(row.growth),
        HumanBytes(p.HeldBytes() - p.live.bytes), 100 * share);
    rows.push_back(std::move(row));
  }
  Sort(&rows);
  for (Row& row : rows) lines.push_back({std::move(row.text)});
  if (f.large.blocks != 0) {
    lines.push_back({absl::StrFormat("%9s%9s%13s%12s", "large", "", Grouped(f.large.blocks),
                                     HumanBytes(f.large.bytes))});
  }
  return lines;
}

}  // namespace mymalloc::command
