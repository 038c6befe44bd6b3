// Prints what a benchmark is run for: at the end, a table of ratios.

#ifndef MYMALLOC_BENCHMARKS_TREE_RATIO_REPORTER_H_
#define MYMALLOC_BENCHMARKS_TREE_RATIO_REPORTER_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "benchmark/benchmark.h"

namespace mymalloc {

// Benchmarks are named "operation/index/n". The ratios are of medians of repetitions, and of CPU
// time, which others on the machine disturb the least.
class RatioReporter : public benchmark::ConsoleReporter {
 public:
  using Nanoseconds = std::map<std::string, std::map<size_t, double>>;  // by index and n

  RatioReporter() : ConsoleReporter(OO_None) {}

  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      if (run.aggregate_name != "median" || run.error_occurred) continue;
      const std::vector<std::string> parts = absl::StrSplit(run.run_name.function_name, '/');
      const size_t n = std::stoul(run.run_name.args);
      const bool manual = !run.run_name.time_type.empty();
      medians_[parts[0]][parts[1]][n] =
          manual ? run.GetAdjustedRealTime() : run.GetAdjustedCPUTime();
    }
  }

  void PrintRatios(const std::string& ours, const std::string& theirs) const {
    printf("\n%-24s", (ours + " / " + theirs).c_str());
    for (const size_t n : Sizes()) printf("%10zu", n);
    printf("\n");
    for (const auto& [operation, by_index] : medians_) {
      printf("%-24s", operation.c_str());
      for (const size_t n : Sizes()) {
        PrintRatio(Median(operation, ours, n), Median(operation, theirs, n));
      }
      printf("\n");
    }
  }

  // How time grows with size, of each index.
  void PrintGrowth(size_t from, size_t to) const {
    printf("\nn = %zu / n = %zu\n", to, from);
    for (const auto& [operation, by_index] : medians_) {
      printf("%-24s", operation.c_str());
      for (const auto& [index, by_size] : by_index) {
        printf("  %s", index.c_str());
        PrintRatio(Median(operation, index, to), Median(operation, index, from));
      }
      printf("\n");
    }
  }

 private:
  // 0 if that has not been run.
  double Median(const std::string& operation, const std::string& index, size_t n) const {
    const auto by_index = medians_.find(operation);
    if (by_index == medians_.end()) return 0;
    const auto by_size = by_index->second.find(index);
    if (by_size == by_index->second.end()) return 0;
    const auto median = by_size->second.find(n);
    return median == by_size->second.end() ? 0 : median->second;
  }

  static void PrintRatio(double a, double b) {
    if (a == 0 || b == 0) {
      printf("%10s", "-");
    } else {
      printf("%10.2f", a / b);
    }
  }

  std::vector<size_t> Sizes() const {
    std::vector<size_t> sizes;
    for (const auto& [operation, by_index] : medians_) {
      for (const auto& [index, by_size] : by_index) {
        if (by_size.size() < sizes.size()) continue;
        sizes.clear();
        for (const auto& [n, median] : by_size) sizes.push_back(n);
      }
    }
    return sizes;
  }

  std::map<std::string, Nanoseconds> medians_;
};

}  // namespace mymalloc

#endif  // MYMALLOC_BENCHMARKS_TREE_RATIO_REPORTER_H_
