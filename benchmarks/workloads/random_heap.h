// Random replacement: a heap of live blocks, of which a random one is freed and replaced, over and
// over. What blocks, how many are live, and how many threads do it, are what is varied.

#ifndef BENCHMARKS_WORKLOADS_RANDOM_HEAP_H_
#define BENCHMARKS_WORKLOADS_RANDOM_HEAP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "benchmarks/workloads/block.h"
#include "benchmarks/workloads/process.h"
#include "benchmarks/workloads/random.h"
#include "benchmarks/workloads/threads.h"
#include "benchmarks/workloads/workload.h"

namespace workloads {

// The blocks of an ordinary program. A kind of blocks says how large the next one is, and how one
// is made and freed.
struct MixedBlocks {
  static size_t Size(Random& random) { return SharedSizes().Pick(random); }
  static void* New(size_t size, uint64_t id) { return NewBlock(size, id); }
  static uint64_t Free(void* block) { return FreeBlock(block); }
};

// Aligned, as each thread has one of its own, and they must not share cache lines.
template <typename Blocks>
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
      sum_ += Blocks::Free(block);
      block = New();
    }
  }

  void FreeAll() {
    for (void*& block : blocks_) sum_ += Blocks::Free(block);
  }

  uint64_t sum() const { return sum_; }
  size_t live_bytes() const { return live_bytes_; }

 private:
  void* New() {
    const size_t size = Blocks::Size(random_);
    live_bytes_ += size;
    return Blocks::New(size, ++id_);
  }

  MappedArray<void*> blocks_;
  Random random_;
  uint64_t id_;
  uint64_t sum_ = 0;
  size_t live_bytes_ = 0;
};

// Each thread replaces `each` times in a heap of its own of `live` blocks. Making the heaps is
// timed, too: it belongs to threads that start.
template <typename Blocks>
void ReplaceInThreads(int threads, uint64_t live, uint64_t each, Report& report) {
  std::vector<std::unique_ptr<RandomHeap<Blocks>>> heaps;
  for (int i = 0; i < threads; ++i) {
    heaps.push_back(std::make_unique<RandomHeap<Blocks>>(live, static_cast<uint64_t>(i) + 1));
  }
  TimeThreads(threads, report, [&](int index) {
    RandomHeap<Blocks>& heap = *heaps[static_cast<size_t>(index)];
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

#endif  // BENCHMARKS_WORKLOADS_RANDOM_HEAP_H_
