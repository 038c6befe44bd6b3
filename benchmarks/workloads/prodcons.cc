// Producers allocate and write, consumers read and free: every free is remote.

#include <algorithm>
#include <vector>

#include "benchmarks/workloads/block.h"
#include "benchmarks/workloads/large_block.h"
#include "benchmarks/workloads/ring.h"
#include "benchmarks/workloads/threads.h"
#include "benchmarks/workloads/workload.h"

namespace workloads {
namespace {

constexpr size_t kSeveral = 3;

// How large the blocks are, how they are made and freed, and how many batches are under way.
struct SmallBlocks {
  static constexpr size_t kBatches = 64;
  static size_t Size(Random& random) { return random.Between(16, 512); }
  static void* New(size_t size, uint64_t id) { return NewBlock(size, id); }
  static uint64_t Free(void* block) { return FreeBlock(block); }
};

// Fewer, so that it is not the queue that decides how much is live.
struct LargeOnes : Blocks33K300K {
  static constexpr size_t kBatches = 2;
};

// Each producer has a ring to each consumer.
template <typename Blocks>
class Exchange {
 public:
  Exchange(size_t producers, size_t consumers, uint64_t batches_per_ring)
      : producers_(producers),
        consumers_(consumers),
        batches_(batches_per_ring),
        rings_(producers * consumers) {}

  uint64_t Run(size_t index) {
    return index < producers_ ? Produce(index) : Consume(index - producers_);
  }

 private:
  uint64_t Produce(size_t producer) {
    Random random(producer + 1);
    uint64_t id = producer << 32;
    for (uint64_t i = 0; i < batches_ * consumers_; ++i) {
      auto& ring = rings_[producer * consumers_ + i % consumers_];
      for (void*& block : ring.Fill()) block = Blocks::New(Blocks::Size(random), ++id);
      ring.Push();
    }
    return 0;
  }

  uint64_t Consume(size_t consumer) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < batches_ * producers_; ++i) {
      auto& ring = rings_[i % producers_ * consumers_ + consumer];
      for (void* block : ring.Take()) sum += Blocks::Free(block);
      ring.Pop();
    }
    return sum;
  }

  const size_t producers_;
  const size_t consumers_;
  const uint64_t batches_;
  std::vector<Ring<Blocks::kBatches>> rings_;
};

template <typename Blocks>
void Exchanged(size_t producers, size_t consumers, uint64_t count, Report& report) {
  const size_t rings = producers * consumers;
  const uint64_t batches = std::max<uint64_t>(1, count / kRingBatch / rings);
  Exchange<Blocks> exchange(producers, consumers, batches);
  TimeThreads(static_cast<int>(producers + consumers), report,
              [&](int index) { return exchange.Run(static_cast<size_t>(index)); });
  report.AddOperations(batches * rings * kRingBatch);
}

void ProducerConsumer(size_t producers, size_t consumers, const Options& options, Report& report) {
  Exchanged<SmallBlocks>(producers, consumers, options.Scaled(4000000), report);
}

}  // namespace

void ProducerConsumer11(const Options& options, Report& report) {
  ProducerConsumer(1, 1, options, report);
}
void ProducerConsumer1N(const Options& options, Report& report) {
  ProducerConsumer(1, kSeveral, options, report);
}
void ProducerConsumerN1(const Options& options, Report& report) {
  ProducerConsumer(kSeveral, 1, options, report);
}
void ProducerConsumerLarge(const Options& options, Report& report) {
  Exchanged<LargeOnes>(1, 1, options.Scaled(300000), report);
}

}  // namespace workloads
