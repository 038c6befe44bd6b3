// Producers allocate and write, consumers read and free: every free is remote.

#include <memory>
#include <vector>

#include "benchmarks/workloads/block.h"
#include "benchmarks/workloads/ring.h"
#include "benchmarks/workloads/threads.h"
#include "benchmarks/workloads/workload.h"

namespace workloads {
namespace {

constexpr size_t kSeveral = 3;

// Each producer has a ring to each consumer.
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
      Ring& ring = rings_[producer * consumers_ + i % consumers_];
      for (void*& block : ring.Fill()) block = NewBlock(random.Between(16, 512), ++id);
      ring.Push();
    }
    return 0;
  }

  uint64_t Consume(size_t consumer) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < batches_ * producers_; ++i) {
      Ring& ring = rings_[i % producers_ * consumers_ + consumer];
      for (void* block : ring.Take()) sum += FreeBlock(block);
      ring.Pop();
    }
    return sum;
  }

  const size_t producers_;
  const size_t consumers_;
  const uint64_t batches_;
  std::vector<Ring> rings_;
};

void ProducerConsumer(size_t producers, size_t consumers, const Options& options, Report& report) {
  const size_t rings = producers * consumers;
  const uint64_t batches = options.Scaled(4000000) / kRingBatch / rings;
  Exchange exchange(producers, consumers, batches);
  TimeThreads(static_cast<int>(producers + consumers), report,
              [&](int index) { return exchange.Run(static_cast<size_t>(index)); });
  report.AddOperations(batches * rings * kRingBatch);
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

}  // namespace workloads
