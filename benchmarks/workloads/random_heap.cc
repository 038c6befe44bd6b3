// What is varied of the random replacement, for the rows of the catalogue.

#include "benchmarks/workloads/random_heap.h"

#include "benchmarks/workloads/large_block.h"
#include "benchmarks/workloads/workload.h"

namespace workloads {
namespace {

// Small blocks of every size alike.
struct SmallBlocks {
  static size_t Size(Random& random) { return random.Between(16, 527); }
  static void* New(size_t size, uint64_t id) { return NewBlock(size, id); }
  static uint64_t Free(void* block) { return FreeBlock(block); }
};

// Replaces so many blocks, and notes live and resident bytes `samples` times on the way.
template <typename Blocks>
void ReplaceSampled(RandomHeap<Blocks>& heap, uint64_t count, uint64_t samples, Report& report) {
  for (uint64_t i = 0; i < samples; ++i) {
    report.AddSample(heap.live_bytes());
    heap.Replace(count * (i + 1) / samples - count * i / samples);
  }
  report.AddSample(heap.live_bytes());
}

// Times the replacements only: making the heap costs page faults, which other workloads measure.
// `samples`: of the memory, on the way; 0 for none.
template <typename Blocks>
void Replacement(uint64_t live, uint64_t count, uint64_t samples, Report& report) {
  RandomHeap<Blocks> heap(live, 1);
  heap.Populate();
  report.Start();
  if (samples == 0) {
    heap.Replace(count);
  } else {
    ReplaceSampled(heap, count, samples, report);
  }
  report.Stop();
  report.NoteMappings();
  heap.FreeAll();
  if (samples != 0) report.AddSample(0);
  report.AddOperations(count);
  report.AddChecksum(heap.sum());
}

// Each thread does as much as one alone would: with a core for each, and nothing that they wait
// for, the time stays the same.
template <typename Blocks>
void ScaleLarge(const Options& options, uint64_t each, Report& report) {
  constexpr uint64_t kLive = 64;
  ReplaceInThreads<Blocks>(options.ThreadCount(), kLive, options.Scaled(each), report);
}

}  // namespace

void RandomSmallHeap(const Options& options, Report& report) {
  Replacement<MixedBlocks>(4096, options.Scaled(10000000), 0, report);
}

void RandomLargeHeap(const Options& options, Report& report) {
  Replacement<MixedBlocks>(256 * 1024, options.Scaled(3000000), 50, report);
}

void ColdHeap(const Options& options, Report& report) {
  Replacement<SmallBlocks>(256 * 1024, options.Scaled(5000000), 0, report);
}

void ScaleLive(const Options& options, Report& report) {
  const uint64_t live = options.live != 0 ? options.live : 100000;
  Replacement<MixedBlocks>(live, options.Scaled(1500000), 0, report);
}

void ScaleThreads(const Options& options, Report& report) {
  const int threads = options.ThreadCount();
  const uint64_t each = options.Scaled(8000000) / static_cast<uint64_t>(threads);
  ReplaceInThreads<MixedBlocks>(threads, 4096, each, report);
}

void Scale33K300K(const Options& options, Report& report) {
  ScaleLarge<Blocks33K300K>(options, 300000, report);
}

void Scale300K2M(const Options& options, Report& report) {
  ScaleLarge<Blocks300K2M>(options, 60000, report);
}

}  // namespace workloads
