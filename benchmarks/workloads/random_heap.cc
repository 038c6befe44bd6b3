// Random replacement: a heap of live blocks, of which a random one is freed and replaced, over and
// over. How much is live, and how many threads do it, are what is varied.

#include <memory>
#include <vector>

#include "benchmarks/workloads/block.h"
#include "benchmarks/workloads/threads.h"
#include "benchmarks/workloads/workload.h"

namespace workloads {
namespace {

// Aligned, as each thread has one of its own, and they must not share cache lines.
class alignas(128) RandomHeap {
 public:
  RandomHeap(uint64_t live, uint64_t seed) : blocks_(live), random_(seed), id_(seed << 24) {}

  void Populate() {
    for (void*& block : blocks_) block = New();
  }

  void Replace(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      void*& block = blocks_[random_.Below(blocks_.size())];
      live_bytes_ -= SizeOf(block);
      sum_ += FreeBlock(block);
      block = New();
    }
  }

  void FreeAll() {
    for (void*& block : blocks_) sum_ += FreeBlock(block);
  }

  uint64_t sum() const { return sum_; }
  size_t live_bytes() const { return live_bytes_; }

 private:
  void* New() {
    const size_t size = SharedSizes().Pick(random_);
    live_bytes_ += size;
    return NewBlock(size, ++id_);
  }

  MappedArray<void*> blocks_;
  Random random_;
  uint64_t id_;
  uint64_t sum_ = 0;
  size_t live_bytes_ = 0;
};

// Replaces so many blocks, and notes live and resident bytes `samples` times on the way.
void ReplaceSampled(RandomHeap& heap, uint64_t count, uint64_t samples, Report& report) {
  for (uint64_t i = 0; i < samples; ++i) {
    report.AddSample(heap.live_bytes());
    heap.Replace(count * (i + 1) / samples - count * i / samples);
  }
  report.AddSample(heap.live_bytes());
}

// Times the replacements only: making the heap costs page faults, which other workloads measure.
// `samples`: of the memory, on the way; 0 for none.
void Replacement(uint64_t live, uint64_t count, uint64_t samples, Report& report) {
  RandomHeap heap(live, 1);
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

}  // namespace

void RandomSmallHeap(const Options& options, Report& report) {
  Replacement(4096, options.Scaled(10000000), 0, report);
}

void RandomLargeHeap(const Options& options, Report& report) {
  Replacement(256 * 1024, options.Scaled(3000000), 50, report);
}

void ScaleLive(const Options& options, Report& report) {
  Replacement(options.live != 0 ? options.live : 100000, options.Scaled(1500000), 0, report);
}

void ScaleThreads(const Options& options, Report& report) {
  const int threads = options.ThreadCount();
  const uint64_t each = options.Scaled(8000000) / static_cast<uint64_t>(threads);
  std::vector<std::unique_ptr<RandomHeap>> heaps;
  for (int i = 0; i < threads; ++i) {
    heaps.push_back(std::make_unique<RandomHeap>(4096, static_cast<uint64_t>(i) + 1));
  }
  TimeThreads(threads, report, [&](int index) {
    RandomHeap& heap = *heaps[static_cast<size_t>(index)];
    heap.Populate();
    heap.Replace(each);
    return uint64_t{0};
  });
  report.NoteMappings();
  for (const auto& heap : heaps) {
    heap->FreeAll();
    report.AddChecksum(heap->sum());
  }
  report.AddOperations(each * static_cast<uint64_t>(threads));
}

}  // namespace workloads
