// What single calls cost, by size and pattern, of whichever malloc this process has:
//   bazel run -c opt //benchmarks/operations
//   LD_PRELOAD=$PWD/bazel-bin/libmymalloc.so bazel-bin/benchmarks/operations/operations
//
// Calls that have a counterpart are timed in batches with the counterpart left out. Every benchmark
// counts its items, so that one item is one call. What the calls return is used outside of the
// timed part: an allocator whose blocks overlap, or lose what is in them, gets no figures.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <random>

#include "benchmarks/workloads/block.h"

namespace {

using workloads::CheckStamp;
using workloads::Die;
using workloads::kExitCorrupted;
using workloads::kExitOutOfMemory;
using workloads::kMinBlockSize;
using workloads::Stamp;

constexpr size_t kBatch = 1024;
// Few: what they leave behind in the allocator's caches is timed next.
constexpr size_t kTried = 4;
using Blocks = std::array<void*, kBatch>;

template <typename Work>
double SecondsOf(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

size_t SizeOf(const benchmark::State& state) { return static_cast<size_t>(state.range(0)); }

// Keeps the pointer alive, and the block from being optimised away.
void* Use(void* block) {
  benchmark::DoNotOptimize(block);
  return block;
}

void* Allocated(void* block) {
  if (block == nullptr) Die(kExitOutOfMemory, "out of memory");
  return Use(block);
}

// `sizes(i)` is what block i was asked to have.
template <typename Array, typename Sizes>
void CheckContents(const Array& blocks, Sizes sizes) {
  for (size_t i = 0; i < blocks.size(); ++i) Stamp(blocks[i], sizes(i), i);
  for (size_t i = 0; i < blocks.size(); ++i) CheckStamp(blocks[i], sizes(i), i);
}

// A few blocks of a call that is otherwise timed one block at a time.
template <typename Allocate>
void CheckAFew(size_t size, Allocate allocate) {
  std::array<void*, kTried> blocks{};
  for (void*& block : blocks) block = Allocated(allocate());
  CheckContents(blocks, [size](size_t) { return size; });
  for (void* block : blocks) std::free(block);
}

void FreeAll(const Blocks& blocks) {
  for (void* block : blocks) std::free(block);
}

// Times `malloc(sizes(i))` for a batch; freeing it is not timed.
template <typename Sizes>
void TimeMalloc(benchmark::State& state, Sizes sizes) {
  Blocks blocks{};
  for (auto _ : state) {
    state.SetIterationTime(SecondsOf([&] {
      for (size_t i = 0; i < kBatch; ++i) blocks[i] = Allocated(std::malloc(sizes(i)));
    }));
    CheckContents(blocks, sizes);
    FreeAll(blocks);
  }
  state.SetItemsProcessed(static_cast<int64_t>(kBatch) * state.iterations());
}

// Times freeing a batch in the order that `arrange` puts it into.
template <typename Arrange>
void TimeFree(benchmark::State& state, Arrange arrange) {
  Blocks blocks{};
  for (auto _ : state) {
    for (void*& block : blocks) block = Allocated(std::malloc(SizeOf(state)));
    CheckContents(blocks, [&](size_t) { return SizeOf(state); });
    arrange(blocks);
    state.SetIterationTime(SecondsOf([&] { FreeAll(blocks); }));
  }
  state.SetItemsProcessed(static_cast<int64_t>(kBatch) * state.iterations());
}

void MallocFreePair(benchmark::State& state) {
  for (auto _ : state) std::free(Allocated(std::malloc(SizeOf(state))));
  state.SetItemsProcessed(state.iterations());
  CheckAFew(SizeOf(state), [&] { return std::malloc(SizeOf(state)); });
}
BENCHMARK(MallocFreePair)
    ->Arg(16)
    ->Arg(64)
    ->Arg(256)
    ->Arg(1024)
    ->Arg(8192)
    ->Arg(65536)
    ->Arg(1 << 20);

void Malloc(benchmark::State& state) {
  TimeMalloc(state, [&](size_t) { return SizeOf(state); });
}
BENCHMARK(Malloc)->UseManualTime()->Arg(16)->Arg(64)->Arg(256)->Arg(1024)->Arg(8192);

void MallocMixed(benchmark::State& state) {
  std::array<size_t, kBatch> sizes{};
  std::minstd_rand random(1);
  std::uniform_int_distribution<size_t> mixed(kMinBlockSize, 1024);
  for (size_t& size : sizes) size = mixed(random);
  TimeMalloc(state, [&](size_t i) { return sizes[i]; });
}
BENCHMARK(MallocMixed)->UseManualTime();

void FreeInOrder(benchmark::State& state) {
  TimeFree(state, [](Blocks&) {});
}
BENCHMARK(FreeInOrder)->UseManualTime()->Arg(16)->Arg(64)->Arg(1024)->Arg(8192);

void FreeReversed(benchmark::State& state) {
  TimeFree(state, [](Blocks& blocks) { std::reverse(blocks.begin(), blocks.end()); });
}
BENCHMARK(FreeReversed)->UseManualTime()->Arg(16)->Arg(64)->Arg(1024)->Arg(8192);

void FreeShuffled(benchmark::State& state) {
  std::minstd_rand random(1);
  TimeFree(state, [&](Blocks& blocks) { std::shuffle(blocks.begin(), blocks.end(), random); });
}
BENCHMARK(FreeShuffled)->UseManualTime()->Arg(16)->Arg(64)->Arg(1024)->Arg(8192);

void FreeNull(benchmark::State& state) {
  void* null = nullptr;
  for (auto _ : state) std::free(Use(null));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(FreeNull);

void CheckZero(size_t size) {
  void* used = Allocated(std::malloc(size));  // What calloc then gets may be this one again.
  std::memset(used, 1, size);
  std::free(Use(used));
  void* block = Allocated(std::calloc(1, size));
  const char* bytes = static_cast<const char*>(block);
  if (!std::all_of(bytes, bytes + size, [](char byte) { return byte == 0; })) {
    Die(kExitCorrupted, "calloc returned memory that is not zero");
  }
  std::free(block);
}

void Calloc(benchmark::State& state) {
  for (auto _ : state) std::free(Allocated(std::calloc(1, SizeOf(state))));
  state.SetItemsProcessed(state.iterations());
  CheckAFew(SizeOf(state), [&] { return std::calloc(1, SizeOf(state)); });
  CheckZero(SizeOf(state));
}
BENCHMARK(Calloc)->Arg(64)->Arg(1024)->Arg(65536)->Arg(1 << 20);

// A block whose contents must outlast what is done to it.
void* StampedBlock(size_t size) {
  void* block = Allocated(std::malloc(size));
  Stamp(block, size, 1);
  return block;
}

void ReallocSameSize(benchmark::State& state) {
  void* block = StampedBlock(SizeOf(state));
  for (auto _ : state) block = Allocated(std::realloc(block, SizeOf(state)));
  workloads::FreeBlock(block);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ReallocSameSize)->Arg(64)->Arg(65536);

// To twice the size and back.
void ReallocThereAndBack(benchmark::State& state) {
  void* block = StampedBlock(SizeOf(state));
  for (auto _ : state) {
    block = Allocated(std::realloc(block, 2 * SizeOf(state)));
    block = Allocated(std::realloc(block, SizeOf(state)));
  }
  workloads::FreeBlock(block);
  state.SetItemsProcessed(2 * state.iterations());
}
BENCHMARK(ReallocThereAndBack)->Arg(64)->Arg(4096)->Arg(1 << 20);

void AlignedAlloc(benchmark::State& state) {
  const auto alignment = static_cast<size_t>(state.range(1));
  const auto allocate = [&] { return std::aligned_alloc(alignment, SizeOf(state)); };
  for (auto _ : state) std::free(Allocated(allocate()));
  state.SetItemsProcessed(state.iterations());
  CheckAFew(SizeOf(state), [&] {
    void* block = allocate();
    if (reinterpret_cast<uintptr_t>(block) % alignment != 0) {
      Die(kExitCorrupted, "aligned_alloc returned a block that is not aligned");
    }
    return block;
  });
}
BENCHMARK(AlignedAlloc)->Args({64, 64})->Args({256, 256})->Args({4096, 4096})->Args({4096, 65536});

void UsableSize(benchmark::State& state) {
  void* block = StampedBlock(SizeOf(state));
  for (auto _ : state) benchmark::DoNotOptimize(malloc_usable_size(Use(block)));
  if (malloc_usable_size(block) < SizeOf(state)) Die(kExitCorrupted, "a block is too small");
  workloads::FreeBlock(block);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(UsableSize)->Arg(64)->Arg(65536)->Arg(1 << 20);

void OperatorNewDelete(benchmark::State& state) {
  for (auto _ : state) ::operator delete(Use(::operator new(SizeOf(state))));
  void* block = ::operator new(SizeOf(state));
  Stamp(block, SizeOf(state), 1);
  CheckStamp(block, SizeOf(state), 1);
  ::operator delete(block);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(OperatorNewDelete)->Arg(64)->Arg(1024);

}  // namespace

int main(int argc, char** argv) {
  // Google Benchmark itself allocates too.
  std::set_new_handler([] { Die(kExitOutOfMemory, "out of memory"); });
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
