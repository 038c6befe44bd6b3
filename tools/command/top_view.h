// The lines of `mymalloc top`: all processes, or one and its classes.

#ifndef MYMALLOC_TOOLS_COMMAND_TOP_VIEW_H_
#define MYMALLOC_TOOLS_COMMAND_TOP_VIEW_H_

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "tools/command/opened_heap.h"
#include "tools/command/process_list.h"
#include "tools/command/terminal.h"
#include "tools/look/figures.h"

namespace mymalloc::command {

// By which column rows are sorted, the most first.
enum class SortBy : int { kLive, kGrowth, kUnused, kName, kCount };

class TopView {
 public:
  // Reads what is to be shown. False if the one process cannot be looked at; *error says why.
  bool ReadProcess(pid_t pid, std::string* error);
  void ReadAll();

  std::vector<ScreenLine> ProcessLines() const;
  std::vector<ScreenLine> AllLines();
  // The same for programs.
  std::string ProcessJson() const;
  std::string AllJson() const;

  void SortByNext();
  void Reverse() { reversed_ = !reversed_; }
  // Of the one process: classes, or heaps.
  void ShowOther() { by_heap_ = !by_heap_; }
  // Of the rows of all processes.
  void MoveSelection(int by);
  pid_t selected() const { return selected_; }

 private:
  using Clock = std::chrono::steady_clock;

  // Bytes by which something grew in a second, since it was read last.
  struct Growth {
    uint64_t bytes = 0;
    double per_second = 0;
    Clock::time_point at;
  };
  double NoteGrowth(const std::string& key, uint64_t bytes);
  double GrowthOf(const std::string& key) const;
  std::string Title() const;
  struct Row;
  Row RowOf(const std::string& label, const std::string& key, const look::PageFigures& p) const;
  std::vector<Row> RowsOfProcess() const;
  std::string SortName() const;
  template <typename Row>
  void Sort(std::vector<Row>* rows) const;

  SortBy sort_by_ = SortBy::kLive;
  bool reversed_ = false;
  pid_t selected_ = 0;
  std::map<std::string, Growth> growths_;
  ProcessList list_;
  bool by_heap_ = false;
  // The one process.
  OpenedHeap heap_;
  look::Figures figures_;
};

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_TOP_VIEW_H_
