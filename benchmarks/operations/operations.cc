// What single calls cost, by size and pattern, of whichever malloc this process has:
//   bazel run -c opt //benchmarks/operations
//   LD_PRELOAD=$PWD/bazel-bin/libmymalloc.so bazel-bin/benchmarks/operations/operations
//
// Calls that have a counterpart are timed in batches with the counterpart left out. Every benchmark
// counts its items, so that one item is one call.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <random>

namespace {

constexpr size_t kBatch = 1024;
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

void FreeAll(const Blocks& blocks) {
  for (void* block : blocks) std::free(block);
}

// Times `allocate(i)` for a batch; freeing it is not timed.
template <typename Allocate>
void TimeAllocation(benchmark::State& state, Allocate allocate) {
  Blocks blocks{};
  for (auto _ : state) {
    state.SetIterationTime(SecondsOf([&] {
      for (size_t i = 0; i < kBatch; ++i) blocks[i] = Use(allocate(i));
    }));
    FreeAll(blocks);
  }
  state.SetItemsProcessed(static_cast<int64_t>(kBatch) * state.iterations());
}

// Times freeing a batch in the order that `arrange` puts it into.
template <typename Arrange>
void TimeFree(benchmark::State& state, Arrange arrange) {
  Blocks blocks{};
  for (auto _ : state) {
    for (void*& block : blocks) block = Use(std::malloc(SizeOf(state)));
    arrange(blocks);
    state.SetIterationTime(SecondsOf([&] { FreeAll(blocks); }));
  }
  state.SetItemsProcessed(static_cast<int64_t>(kBatch) * state.iterations());
}

void MallocFreePair(benchmark::State& state) {
  for (auto _ : state) std::free(Use(std::malloc(SizeOf(state))));
  state.SetItemsProcessed(state.iterations());
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
  TimeAllocation(state, [&](size_t) { return std::malloc(SizeOf(state)); });
}
BENCHMARK(Malloc)->UseManualTime()->Arg(16)->Arg(64)->Arg(256)->Arg(1024)->Arg(8192);

void MallocMixed(benchmark::State& state) {
  std::array<size_t, kBatch> sizes{};
  std::minstd_rand random(1);
  for (size_t& size : sizes) size = std::uniform_int_distribution<size_t>(1, 1024)(random);
  TimeAllocation(state, [&](size_t i) { return std::malloc(sizes[i]); });
}
BENCHMARK(MallocMixed)->UseManualTime();

void FreeInOrder(benchmark::State& state) {
  TimeFree(state, [](Blocks&) {});
}
BENCHMARK(FreeInOrder)->UseManualTime()->Arg(16)->Arg(64)->Arg(1024)->Arg(8192);

void FreeReversed(benchmark::State& state) {
  TimeFree(state, [](Blocks& blocks) { std::reverse(blocks.begin(), blocks.end()); });
}
BENCHMARK(FreeReversed)->UseManualTime()->Arg(64);

void FreeShuffled(benchmark::State& state) {
  std::minstd_rand random(1);
  TimeFree(state, [&](Blocks& blocks) { std::shuffle(blocks.begin(), blocks.end(), random); });
}
BENCHMARK(FreeShuffled)->UseManualTime()->Arg(64)->Arg(1024);

void FreeNull(benchmark::State& state) {
  void* null = nullptr;
  for (auto _ : state) std::free(Use(null));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(FreeNull);

void Calloc(benchmark::State& state) {
  for (auto _ : state) std::free(Use(std::calloc(1, SizeOf(state))));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Calloc)->Arg(64)->Arg(1024)->Arg(65536)->Arg(1 << 20);

void ReallocSameSize(benchmark::State& state) {
  void* block = std::malloc(SizeOf(state));
  for (auto _ : state) block = Use(std::realloc(block, SizeOf(state)));
  std::free(block);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ReallocSameSize)->Arg(64)->Arg(65536);

// To twice the size and back.
void ReallocThereAndBack(benchmark::State& state) {
  void* block = std::malloc(SizeOf(state));
  for (auto _ : state) {
    block = Use(std::realloc(block, 2 * SizeOf(state)));
    block = Use(std::realloc(block, SizeOf(state)));
  }
  std::free(block);
  state.SetItemsProcessed(2 * state.iterations());
}
BENCHMARK(ReallocThereAndBack)->Arg(64)->Arg(4096)->Arg(1 << 20);

void AlignedAlloc(benchmark::State& state) {
  const auto alignment = static_cast<size_t>(state.range(1));
  for (auto _ : state) std::free(Use(std::aligned_alloc(alignment, SizeOf(state))));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(AlignedAlloc)->Args({64, 64})->Args({256, 256})->Args({4096, 4096})->Args({4096, 65536});

void UsableSize(benchmark::State& state) {
  void* block = std::malloc(SizeOf(state));
  for (auto _ : state) benchmark::DoNotOptimize(malloc_usable_size(Use(block)));
  std::free(block);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(UsableSize)->Arg(64)->Arg(65536)->Arg(1 << 20);

void OperatorNewDelete(benchmark::State& state) {
  for (auto _ : state) ::operator delete(Use(::operator new(SizeOf(state))));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(OperatorNewDelete)->Arg(64)->Arg(1024);

}  // namespace

BENCHMARK_MAIN();
