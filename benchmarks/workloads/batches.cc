// The simplest patterns: one block at a time, and batches.

#include <numeric>

#include "benchmarks/workloads/block.h"
#include "benchmarks/workloads/workload.h"

namespace workloads {
namespace {

constexpr uint32_t kBatch = 10000;
constexpr uint64_t kBatches = 800;

enum class Order { kFifo, kLifo, kRandom };

// The places of a batch in the order in which they are freed.
void FillOrder(Order order, MappedArray<uint32_t>& places) {
  std::iota(places.begin(), places.end(), 0);
  if (order == Order::kLifo) std::reverse(places.begin(), places.end());
  if (order != Order::kRandom) return;
  Random random(3);
  for (uint32_t i = kBatch - 1; i > 0; --i) std::swap(places[i], places[random.Below(i + 1)]);
}

void Batch(Order order, const Options& options, Report& report) {
  MappedArray<void*> blocks(kBatch);
  MappedArray<uint32_t> places(kBatch);
  FillOrder(order, places);
  const uint64_t batches = options.Scaled(kBatches);
  Random random(1);
  uint64_t sum = 0;
  report.Start();
  for (uint64_t batch = 0; batch < batches; ++batch) {
    for (uint32_t i = 0; i < kBatch; ++i) {
      blocks[i] = NewBlock(random.Between(16, 128), batch * kBatch + i);
    }
    if (batch + 1 == batches) report.PauseAndNoteMappings();
    for (uint32_t place : places) sum += FreeBlock(blocks[place]);
  }
  report.Stop();
  report.AddOperations(batches * kBatch);
  report.AddChecksum(sum);
}

}  // namespace

void Pair(const Options& options, Report& report) {
  const uint64_t count = options.Scaled(40000000);
  uint64_t sum = 0;
  report.Start();
  for (uint64_t i = 0; i < count; ++i) {
    auto* block = static_cast<uint64_t*>(CheckedMalloc(64));
    *block = i;
    Escape(block);
    sum += *block;
    std::free(block);
  }
  report.Stop();
  report.AddOperations(count);
  report.AddChecksum(sum);
}

void BatchFifo(const Options& options, Report& report) { Batch(Order::kFifo, options, report); }
void BatchLifo(const Options& options, Report& report) { Batch(Order::kLifo, options, report); }
void BatchRandom(const Options& options, Report& report) { Batch(Order::kRandom, options, report); }

}  // namespace workloads
