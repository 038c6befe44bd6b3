// The interval tree beside absl::btree_map and std::map, from 10 to a million ranges.
//
// All repetitions of all benchmarks are run in random order, so that a slow minute of the machine
// meets all alike; figures are medians. Ratios come last. To see some of it only:
//   bazel run -c opt //benchmarks/tree:tree_benchmark -- --benchmark_filter='Stab'

#include <time.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "benchmarks/tree/indexes.h"
#include "benchmarks/tree/ranges.h"
#include "benchmarks/tree/ratio_reporter.h"

namespace mymalloc {
namespace {

constexpr const char* kTree = "IntervalTree";
constexpr const char* kBtree = "absl::btree";  // _map and _set
constexpr const char* kStd = "std";            // map and set

// How time grows from kSome to kMany is asked separately.
constexpr size_t kSome = 1000;
constexpr size_t kMany = 1000000;
constexpr size_t kSizes[] = {10, 100, kSome, 10000, 100000, kMany};

// What is made once and used by all repetitions.

Ranges& RangesOf(size_t n) {
  static std::map<size_t, std::unique_ptr<Ranges>> all;
  auto& ranges = all[n];
  if (ranges == nullptr) ranges = std::make_unique<Ranges>(n);
  return *ranges;
}

const std::vector<uint64_t>& AddressesOf(size_t n, Aim aim) {
  static std::map<std::pair<size_t, Aim>, std::vector<uint64_t>> all;
  auto& addresses = all[{n, aim}];
  if (addresses.empty()) addresses = RangesOf(n).Addresses(aim);
  return addresses;
}

const std::vector<uint64_t>& LengthsOf(size_t n) {
  static std::map<size_t, std::vector<uint64_t>> all;
  auto& lengths = all[n];
  if (lengths.empty()) lengths = RangesOf(n).Lengths();
  return lengths;
}

template <typename Index>
void Fill(size_t n, Index* index) {
  const Ranges& ranges = RangesOf(n);
  for (size_t i = 0; i < n; ++i) index->Insert(ranges[i], i + 1);
}

template <typename Index>
Index& FilledIndex(size_t n) {
  static std::map<size_t, std::unique_ptr<Index>> all;
  auto& index = all[n];
  if (index == nullptr) {
    index = std::make_unique<Index>();
    Fill(n, index.get());
  }
  return *index;
}

// Asks one question after another, each without waiting for the answer to the one before.
template <typename Ask>
void AskAll(benchmark::State& state, const std::vector<uint64_t>& questions, const Ask& ask) {
  constexpr benchmark::IterationCount kBatch = 256;
  uint64_t sum = 0;
  size_t i = 0;
  while (state.KeepRunningBatch(kBatch)) {
    for (const size_t end = i + kBatch; i < end; ++i) sum += ask(questions[i]);
    i &= questions.size() - 1;
  }
  benchmark::DoNotOptimize(sum);
}

template <typename Index, Aim kAim>
void BM_Stab(benchmark::State& state) {
  const auto n = static_cast<size_t>(state.range(0));
  const Index& index = FilledIndex<Index>(n);
  AskAll(state, AddressesOf(n, kAim), [&](uint64_t address) { return index.Stab(address); });
}

// What the growth of Stab owes to caches: as many ranges in all as the largest size has, in trees
// of n each, asked in turn. So each tree is cold, however small it is.
template <typename Index>
void BM_StabCold(benchmark::State& state) {
  const auto n = static_cast<size_t>(state.range(0));
  static std::map<size_t, std::vector<std::unique_ptr<Index>>> all;
  auto& indexes = all[n];
  while (indexes.size() * n < kMany) {
    indexes.push_back(std::make_unique<Index>());
    Fill(n, indexes.back().get());
  }
  size_t i = 0;
  AskAll(state, AddressesOf(n, Aim::kHit), [&](uint64_t address) {
    i = i + 1 < indexes.size() ? i + 1 : 0;
    return indexes[i]->Stab(address);
  });
}

template <typename Index>
void BM_FirstFit(benchmark::State& state) {
  const auto n = static_cast<size_t>(state.range(0));
  const Index& index = FilledIndex<Index>(n);
  AskAll(state, LengthsOf(n), [&](uint64_t length) { return index.FirstFit(length); });
}

template <typename Index>
void BM_BestFit(benchmark::State& state) {
  const auto n = static_cast<size_t>(state.range(0));
  const Index& index = FilledIndex<Index>(n);
  AskAll(state, LengthsOf(n), [&](uint64_t length) { return index.BestFit(length); });
}

double ThreadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Fills and drains enough indexes to make at least kEdits edits of each kind, and times one kind.
enum class Edit { kInsert, kErase };

template <typename Index, Edit kEdit>
void BM_Edit(benchmark::State& state) {
  constexpr size_t kEdits = 20000;
  const auto n = static_cast<size_t>(state.range(0));
  const Ranges& ranges = RangesOf(n);
  std::vector<Index> indexes((kEdits + n - 1) / n);
  const auto edits = static_cast<benchmark::IterationCount>(indexes.size() * n);
  while (state.KeepRunningBatch(edits)) {
    const double start = ThreadSeconds();
    for (Index& index : indexes) Fill(n, &index);
    const double filled = ThreadSeconds();
    for (Index& index : indexes) {
      for (const Interval& range : ranges.reshuffled()) index.Erase(range.begin);
    }
    const double drained = ThreadSeconds();
    state.SetIterationTime(kEdit == Edit::kInsert ? filled - start : drained - filled);
  }
}

// Takes a random range out and puts it back: an index that stays as large as it is.
template <typename Index>
void BM_EraseInsert(benchmark::State& state) {
  const auto n = static_cast<size_t>(state.range(0));
  const std::vector<Interval>& ranges = RangesOf(n).reshuffled();
  Index& index = FilledIndex<Index>(n);
  size_t i = 0;
  for (auto _ : state) {
    index.Erase(ranges[i].begin);
    index.Insert(ranges[i], i + 1);
    i = i + 1 < n ? i + 1 : 0;
  }
}

using Function = void (*)(benchmark::State&);

benchmark::internal::Benchmark* Register(const char* operation, const char* index, Function run,
                                         const std::vector<size_t>& sizes = {std::begin(kSizes),
                                                                             std::end(kSizes)}) {
  const std::string name = std::string(operation) + "/" + index;
  auto* const benchmark = benchmark::RegisterBenchmark(name.c_str(), run);
  for (const size_t n : sizes) benchmark->Arg(static_cast<int64_t>(n));
  return benchmark;
}

template <typename Index>
void RegisterIndex(const char* name) {
  Register("Stab hit", name, BM_Stab<Index, Aim::kHit>);
  Register("Stab miss", name, BM_Stab<Index, Aim::kMiss>);
  Register("Stab mixed", name, BM_Stab<Index, Aim::kMixed>);
  Register("Stab cold", name, BM_StabCold<Index>, {kSome, kMany});
  Register("Insert", name, BM_Edit<Index, Edit::kInsert>)->UseManualTime();
  Register("Erase", name, BM_Edit<Index, Edit::kErase>)->UseManualTime();
  Register("Erase and insert", name, BM_EraseInsert<Index>);
  Register("First fit", name, BM_FirstFit<Index>);
}

void RegisterAll() {
  RegisterIndex<TreeIndex>(kTree);
  RegisterIndex<BtreeIndex>(kBtree);
  RegisterIndex<StdIndex>(kStd);
  Register("Best fit", kTree, BM_BestFit<TreeIndex>);
  Register("Best fit", kBtree, BM_BestFit<BtreeLengthIndex>);
  Register("Best fit", kStd, BM_BestFit<StdLengthIndex>);
}

// The flags that make figures worth comparing, unless others are given.
std::vector<char*> WithDefaultFlags(int argc, char** argv) {
  static char flags[][48] = {
      "--benchmark_enable_random_interleaving=true",
      "--benchmark_repetitions=7",
      "--benchmark_report_aggregates_only=true",
      "--benchmark_min_time=0.02",
  };
  std::vector<char*> all{argv[0]};
  for (char* flag : flags) all.push_back(flag);
  all.insert(all.end(), argv + 1, argv + argc);
  return all;
}

int Main(int argc, char** argv) {
  std::vector<char*> flags = WithDefaultFlags(argc, argv);
  argc = static_cast<int>(flags.size());
  benchmark::Initialize(&argc, flags.data());
  if (benchmark::ReportUnrecognizedArguments(argc, flags.data())) return 1;
  RegisterAll();
  RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.PrintRatios(kTree, kBtree);
  reporter.PrintRatios(kTree, kStd);
  reporter.PrintGrowth(kSome, kMany);
  return 0;
}

}  // namespace
}  // namespace mymalloc

int main(int argc, char** argv) { return mymalloc::Main(argc, argv); }
