// Blocks large enough that writing to them, and getting their memory from the kernel, costs more
// than finding them.

#include "benchmarks/workloads/block.h"
#include "benchmarks/workloads/workload.h"

namespace workloads {
namespace {

constexpr size_t kOsPage = 4096;

// calloc'd memory must be zero; then it is used, so that reuse would show.
void CheckZeroAndUse(char* block, size_t size) {
  for (size_t i = 0; i < size; i += 256) {
    if (block[i] != 0) Die(kExitCorrupted, "calloc returned memory that is not zero");
    block[i] = 1;
  }
}

}  // namespace

void MediumWritten(const Options& options, Report& report) {
  constexpr size_t kLive = 128;
  const uint64_t count = options.Scaled(150000);
  MappedArray<void*> blocks(kLive);
  Random random(1);
  report.Start();
  for (uint64_t i = 0; i < count; ++i) {
    void*& block = blocks[random.Below(kLive)];
    if (block != nullptr) report.AddChecksum(FreeBlock(block));
    const size_t size = LogUniform(random, 4 << 10, 6);
    block = CheckedMalloc(size);
    std::memset(block, static_cast<int>(i), size);
    Stamp(block, size, i);
  }
  report.Stop();
  report.NoteMappings();
  for (void* block : blocks) {
    if (block != nullptr) report.AddChecksum(FreeBlock(block));
  }
  report.AddOperations(count);
}

void LargeTurns(const Options& options, Report& report) {
  constexpr size_t kLive = 8;
  const uint64_t count = options.Scaled(80);
  MappedArray<void*> blocks(kLive);
  Random random(1);
  report.Start();
  for (uint64_t i = 0; i < count + kLive; ++i) {
    if (i == count) report.PauseAndNoteMappings();
    void*& block = blocks[i % kLive];
    if (block != nullptr) report.AddChecksum(FreeBlock(block));
    block = nullptr;
    if (i >= count) continue;  // The last turns only free.
    const size_t size = random.Between(5 << 20, 25 << 20);
    block = CheckedMalloc(size);
    for (size_t at = 0; at < size; at += kOsPage) static_cast<char*>(block)[at] = 1;
    Stamp(block, size, i);
  }
  report.Stop();
  report.AddOperations(count);
}

void Calloc1K1M(const Options& options, Report& report) {
  constexpr size_t kLive = 64;
  const uint64_t count = options.Scaled(40000);
  MappedArray<void*> blocks(kLive);
  Random random(1);
  report.Start();
  for (uint64_t i = 0; i < count; ++i) {
    void*& block = blocks[random.Below(kLive)];
    if (block != nullptr) report.AddChecksum(FreeBlock(block));
    const size_t size = LogUniform(random, 1 << 10, 10);
    block = std::calloc(size, 1);
    if (block == nullptr) Die(kExitOutOfMemory, "out of memory");
    CheckZeroAndUse(static_cast<char*>(block), size);
    Stamp(block, size, i);
  }
  report.Stop();
  report.NoteMappings();
  for (void* block : blocks) {
    if (block != nullptr) report.AddChecksum(FreeBlock(block));
  }
  report.AddOperations(count);
}

void TouchMemory(const Options& options, Report& report) {
  constexpr size_t kBytes = 64 << 20;
  const uint64_t rounds = options.Scaled(8);
  report.Start();
  for (uint64_t round = 0; round < rounds; ++round) {
    MappedArray<char> memory(kBytes);
    for (size_t at = 0; at < kBytes; at += kOsPage) memory[at] = 1;
    report.AddChecksum(static_cast<uint64_t>(memory[kBytes / 2]));
  }
  report.Stop();
  report.AddOperations(rounds * (kBytes / kOsPage));
}

}  // namespace workloads
