// Tiny blocks that several threads write to: slow when the allocator puts blocks of different
// threads into one cache line, at once (active) or after one thread's blocks were freed by others
// (passive).

#include <vector>

#include "benchmarks/workloads/block.h"
#include "benchmarks/workloads/threads.h"
#include "benchmarks/workloads/workload.h"

namespace workloads {
namespace {

constexpr int kWrites = 200;
constexpr uint64_t kBlocksPerThread = 2000000;

// Counts in the block: each step reads what the last one wrote.
uint64_t Scratch(void* block) {
  auto* counter = static_cast<volatile uint64_t*>(block);
  *counter = 0;
  for (int i = 0; i < kWrites; ++i) *counter = *counter + 1;
  return *counter;
}

uint64_t AllocateAndScratch(uint64_t count) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < count; ++i) {
    void* block = CheckedMalloc(8);
    sum += Scratch(block);
    std::free(block);
  }
  return sum;
}

}  // namespace

void FalseSharingActive(const Options& options, Report& report) {
  const uint64_t count = options.Scaled(kBlocksPerThread);
  const int threads = options.ThreadCount();
  TimeThreads(threads, report, [count](int) { return AllocateAndScratch(count); });
  report.AddOperations(count * static_cast<uint64_t>(threads));
}

void FalseSharingPassive(const Options& options, Report& report) {
  const uint64_t count = options.Scaled(kBlocksPerThread);
  const int threads = options.ThreadCount();
  // Neighbours, all of this thread; each of the others frees one and goes on from there.
  std::vector<void*> blocks(static_cast<size_t>(threads));
  for (void*& block : blocks) block = CheckedMalloc(8);
  TimeThreads(threads, report, [&](int index) {
    void* block = blocks[static_cast<size_t>(index)];
    const uint64_t sum = Scratch(block);
    std::free(block);
    return sum + AllocateAndScratch(count);
  });
  report.AddOperations(count * static_cast<uint64_t>(threads));
}

}  // namespace workloads
