// Random replacement: a heap of live blocks, of which a random one is freed and replaced, over and
// over. How much is live, and how many threads do it, are what is varied.

#include "benchmarks/workloads/block.h"
#include "benchmarks/workloads/threads.h"
#include "benchmarks/workloads/workload.h"

namespace workloads {
namespace {

class RandomHeap {
 public:
  RandomHeap(uint64_t live, uint64_t seed) : blocks_(live), random_(seed), id_(seed << 24) {}

  void Populate() {
    for (void*& block : blocks_) block = NewBlock(SharedSizes().Pick(random_), ++id_);
  }

  void Replace(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      void*& block = blocks_[random_.Below(blocks_.size())];
      sum_ += FreeBlock(block);
      block = NewBlock(SharedSizes().Pick(random_), ++id_);
    }
  }

  void FreeAll() {
    for (void*& block : blocks_) sum_ += FreeBlock(block);
  }

  uint64_t sum() const { return sum_; }

 private:
  MappedArray<void*> blocks_;
  Random random_;
  uint64_t id_;
  uint64_t sum_ = 0;
};

// Times the replacements only: making the heap costs page faults, which other workloads measure.
void Replacement(uint64_t live, uint64_t count, Report& report) {
  RandomHeap heap(live, 1);
  heap.Populate();
  report.Start();
  heap.Replace(count);
  report.Stop();
  heap.FreeAll();
  report.AddOperations(count);
  report.AddChecksum(heap.sum());
}

}  // namespace

void RandomSmallHeap(const Options& options, Report& report) {
  Replacement(4096, options.Scaled(10000000), report);
}

void RandomLargeHeap(const Options& options, Report& report) {
  Replacement(256 * 1024, options.Scaled(3000000), report);
}

void ScaleLive(const Options& options, Report& report) {
  Replacement(options.live != 0 ? options.live : 100000, options.Scaled(1500000), report);
}

void ScaleThreads(const Options& options, Report& report) {
  const int threads = options.ThreadCount();
  const uint64_t each = options.Scaled(8000000) / static_cast<uint64_t>(threads);
  TimeThreads(threads, report, [each](int index) {
    RandomHeap heap(4096, static_cast<uint64_t>(index) + 1);
    heap.Populate();
    heap.Replace(each);
    heap.FreeAll();
    return heap.sum();
  });
  report.AddOperations(each * static_cast<uint64_t>(threads));
}

}  // namespace workloads
