// What the operations of the bitmaps cost: one item is one call, or one run where runs are walked.

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "benchmark/benchmark.h"
#include "bitmap/atomic_slot_bitmap.h"
#include "bitmap/slot_bitmap.h"

namespace mymalloc {
namespace {

constexpr unsigned kSlots = SlotBitmap::kSlots;
constexpr unsigned kWords = SlotBitmap::kWords;
constexpr unsigned kSlotsPerWord = SlotBitmap::kSlotsPerWord;

// Powers of two, and too many for a branch predictor to learn.
constexpr size_t kBitmaps = 1 << 10;
constexpr size_t kQuestions = 1 << 16;

std::vector<unsigned> RandomSlots() {
  std::mt19937_64 random(1);
  std::vector<unsigned> slots(kQuestions);
  for (unsigned& slot : slots) slot = static_cast<unsigned>(random() % kSlots);
  return slots;
}

// Every other slot free, on average.
std::vector<SlotBitmap> RandomBitmaps() {
  std::mt19937_64 random(2);
  std::vector<SlotBitmap> bitmaps(kBitmaps);
  for (SlotBitmap& bitmap : bitmaps) {
    for (unsigned w = 0; w < kWords; ++w) bitmap.ReleaseMask(w, random());
  }
  return bitmaps;
}

void CountItems(benchmark::State& state, uint64_t items) {
  state.SetItemsProcessed(static_cast<int64_t>(items));
}

void BM_ClaimAndRelease(benchmark::State& state) {
  const std::vector<unsigned> slots = RandomSlots();
  SlotBitmap bitmap{};
  size_t i = 0;
  for (auto _ : state) {
    const unsigned slot = slots[i++ % kQuestions];
    benchmark::DoNotOptimize(bitmap.Release(slot));
    benchmark::DoNotOptimize(bitmap.Claim(slot));
  }
}
BENCHMARK(BM_ClaimAndRelease);

// Empties a full word in steps of at most range(0) slots; the last call finds it empty.
void BM_TakeLowest(benchmark::State& state) {
  const auto max = static_cast<unsigned>(state.range(0));
  SlotBitmap bitmap{};
  uint64_t calls = 0;
  for (auto _ : state) {
    bitmap.ReleaseMask(0, ~uint64_t{0});
    benchmark::DoNotOptimize(bitmap);
    while (const uint64_t mask = bitmap.TakeLowest(0, max)) benchmark::DoNotOptimize(mask);
    calls += kSlotsPerWord / max + 1;
  }
  CountItems(state, calls);
}
BENCHMARK(BM_TakeLowest)->RangeMultiplier(4)->Range(1, kSlotsPerWord);

void BM_Count(benchmark::State& state) {
  const std::vector<SlotBitmap> bitmaps = RandomBitmaps();
  size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(bitmaps[i++ % kBitmaps].Count());
}
BENCHMARK(BM_Count);

void BM_WalkRuns(benchmark::State& state) {
  const std::vector<SlotBitmap> bitmaps = RandomBitmaps();
  size_t i = 0;
  uint64_t runs = 0;
  for (auto _ : state) {
    const SlotBitmap& bitmap = bitmaps[i++ % kBitmaps];
    for (unsigned first = 0, n = 0; bitmap.NextRun(first + n, &first, &n);) ++runs;
  }
  CountItems(state, runs);
}
BENCHMARK(BM_WalkRuns);

void BM_FindRun(benchmark::State& state) {
  const auto count = static_cast<unsigned>(state.range(0));
  const std::vector<SlotBitmap> bitmaps = RandomBitmaps();
  size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(bitmaps[i++ % kBitmaps].FindRun(count));
}
BENCHMARK(BM_FindRun)->Arg(1)->Arg(2)->Arg(4)->Arg(8)->Arg(64);

// What gathering remote frees brings: the slots of one word are released range(0) at a time, by all
// threads to the same bitmap. An item is a call of one thread, so that waiting for the others
// shows.
void BM_RemoteRelease(benchmark::State& state) {
  static AtomicSlotBitmap mailbox{};
  const auto gathered = static_cast<unsigned>(state.range(0));
  const uint64_t mask = ~uint64_t{0} >> (kSlotsPerWord - gathered);
  uint64_t calls = 0;
  for (auto _ : state) {
    for (unsigned shift = 0; shift < kSlotsPerWord; shift += gathered) {
      benchmark::DoNotOptimize(mailbox.Release(0, mask << shift));
    }
    calls += kSlotsPerWord / gathered;
    if (state.thread_index() == 0) benchmark::DoNotOptimize(mailbox.Collect(0));
  }
  CountItems(state, calls / static_cast<uint64_t>(state.threads()));
}
BENCHMARK(BM_RemoteRelease)->Arg(1)->Arg(8)->Arg(64)->Threads(1)->Threads(2)->UseRealTime();

}  // namespace
}  // namespace mymalloc

BENCHMARK_MAIN();
