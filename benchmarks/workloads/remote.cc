// Two threads in step: both allocate, then each frees what the other allocated. No queue between
// them, so this is the cost of remote frees alone, or (RemoteCycle) with what they cost the owner.

#include <sched.h>

#include <array>
#include <atomic>

#include "benchmarks/workloads/block.h"
#include "benchmarks/workloads/threads.h"
#include "benchmarks/workloads/workload.h"

namespace workloads {
namespace {

constexpr int kThreads = 2;
constexpr size_t kBlocks = 32768;
using Blocks = MappedArray<void*>;

// A barrier that yields rather than sleeps: sleeping and waking would cost as much as thousands of
// frees.
class YieldingBarrier {
 public:
  void Wait() {
    const int generation = generation_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == kThreads - 1) {
      arrived_.store(0, std::memory_order_relaxed);
      generation_.store(generation + 1, std::memory_order_release);
      return;
    }
    while (generation_.load(std::memory_order_acquire) == generation) sched_yield();
  }

 private:
  alignas(128) std::atomic<int> arrived_{0};
  alignas(128) std::atomic<int> generation_{0};
};

struct Timing {
  bool shuffled;
  bool count_allocation;
};

class Swap {
 public:
  explicit Swap(Timing timing) : timing_(timing), blocks_{Blocks(kBlocks), Blocks(kBlocks)} {}

  // Thread `me`'s part; thread 0 keeps the time.
  uint64_t Run(size_t me, uint64_t rounds) {
    Random random(me + 1);
    uint64_t sum = 0;
    for (uint64_t round = 0; round < rounds; ++round) {
      const double allocating = Arrive();
      Allocate(me, round, random);
      const double freeing = Arrive();
      for (void* block : blocks_[1 - me]) sum += FreeBlock(block);
      const double done = Arrive();
      if (me == 0) seconds_ += done - (timing_.count_allocation ? allocating : freeing);
    }
    return sum;
  }

  double seconds() const { return seconds_; }

 private:
  double Arrive() {
    barrier_.Wait();
    return Now();
  }

  void Allocate(size_t me, uint64_t round, Random& random) {
    Blocks& blocks = blocks_[me];
    for (size_t i = 0; i < kBlocks; ++i) {
      blocks[i] = NewBlock(random.Between(16, 256), (round * kBlocks + i) * kThreads + me);
    }
    if (!timing_.shuffled) return;
    for (size_t i = kBlocks - 1; i > 0; --i) std::swap(blocks[i], blocks[random.Below(i + 1)]);
  }

  const Timing timing_;
  std::array<Blocks, kThreads> blocks_;
  YieldingBarrier barrier_;
  double seconds_ = 0;
};

void SwapBlocks(Timing timing, const Options& options, Report& report) {
  const uint64_t rounds = options.Scaled(120);
  Swap swap(timing);
  const ThreadsResult result =
      RunThreads(kThreads, [&](int me) { return swap.Run(static_cast<size_t>(me), rounds); });
  report.AddSeconds(swap.seconds());
  report.AddChecksum(result.checksum);
  report.AddOperations(rounds * kBlocks * kThreads);
}

}  // namespace

void RemoteFree(const Options& options, Report& report) {
  SwapBlocks({false, false}, options, report);
}
void RemoteFreeShuffled(const Options& options, Report& report) {
  SwapBlocks({true, false}, options, report);
}
void RemoteCycle(const Options& options, Report& report) {
  SwapBlocks({false, true}, options, report);
}

}  // namespace workloads
