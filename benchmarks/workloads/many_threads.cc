// Threads that come and go, and what they leave behind.

#include <mutex>
#include <vector>

#include "benchmarks/workloads/block.h"
#include "benchmarks/workloads/threads.h"
#include "benchmarks/workloads/workload.h"

namespace workloads {
namespace {

// What the threads of IdleMemory fill and free, with a sample of live and resident bytes now and
// then.
class SampledHeap {
 public:
  SampledHeap(size_t bytes_per_thread, Report& report)
      : bytes_per_thread_(bytes_per_thread), report_(report) {}

  uint64_t FillAndFree(int thread) {
    MappedArray<void*> blocks(bytes_per_thread_ / kMinBlockSize);
    size_t counted = 0;
    const size_t count = Fill(thread, blocks, counted);
    // Before they are freed: no more is live than is resident.
    AddSample(-counted);
    uint64_t sum = 0;
    for (size_t i = 0; i < count; ++i) sum += FreeBlock(blocks[i]);
    operations_ += count;
    return sum;
  }

  uint64_t operations() const { return operations_; }

 private:
  static constexpr size_t kSampleBytes = 4 << 20;

  // Leaves in `counted` how many of the bytes are in `live_`.
  size_t Fill(int thread, MappedArray<void*>& blocks, size_t& counted) {
    Random random(static_cast<uint64_t>(thread) + 1);
    size_t count = 0;
    size_t next_sample = kSampleBytes;
    for (size_t filled = 0; filled < bytes_per_thread_; ++count) {
      const size_t size = SharedSizes().Pick(random);
      blocks[count] = CheckedMalloc(size);
      std::memset(blocks[count], 1, size);
      Stamp(blocks[count], size, count);
      filled += size;
      if (filled < next_sample) continue;
      AddSample(kSampleBytes);
      counted += kSampleBytes;
      next_sample += kSampleBytes;
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    report_.NoteMappings();
    return count;
  }

  // Less, if `more` is a negated size: it wraps.
  void AddSample(size_t more) {
    const std::lock_guard<std::mutex> lock(mutex_);
    live_ += more;
    report_.AddSample(live_);
  }

  const size_t bytes_per_thread_;
  Report& report_;
  std::mutex mutex_;
  size_t live_ = 0;
  std::atomic<uint64_t> operations_{0};
};

}  // namespace

// Every thread frees what its predecessor left, allocates a hundred blocks, and leaves ten.
void ThreadChurn(const Options& options, Report& report) {
  constexpr size_t kBlocks = 100;
  constexpr size_t kLeft = 10;
  const int chains = options.ThreadCount();
  const uint64_t threads = options.Scaled(20000) / static_cast<uint64_t>(chains);
  TimeThreads(chains, report, [threads](int chain) {
    void* left[kLeft] = {};
    uint64_t sum = 0;
    for (uint64_t thread = 0; thread < threads; ++thread) {
      std::thread([&] {
        Random random(thread * 64 + static_cast<uint64_t>(chain));
        void* blocks[kBlocks];
        for (size_t i = 0; i < kBlocks; ++i) {
          blocks[i] = NewBlock(SharedSizes().Pick(random), thread * kBlocks + i);
        }
        for (void* block : left) sum += block == nullptr ? 0 : FreeBlock(block);
        for (size_t i = 0; i < kBlocks - kLeft; ++i) sum += FreeBlock(blocks[i]);
        std::copy(blocks + kBlocks - kLeft, blocks + kBlocks, left);
      }).join();
    }
    for (void* block : left) sum += FreeBlock(block);
    return sum;
  });
  report.AddOperations(threads * static_cast<uint64_t>(chains) * kBlocks);
}

// What matters here comes afterwards, with --idle: how much of it stays resident.
void IdleMemory(const Options& options, Report& report) {
  constexpr int kThreads = 8;
  SampledHeap heap(options.Scaled(50 << 20), report);
  TimeThreads(kThreads, report, [&](int index) { return heap.FillAndFree(index); });
  report.AddOperations(heap.operations());
}

}  // namespace workloads
