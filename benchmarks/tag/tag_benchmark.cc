// What the operations on tags cost: for blocks in the first cache, and for more than fit there.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "benchmark/benchmark.h"
#include "mymalloc/page/page.h"
#include "mymalloc/page/size_class.h"
#include "mymalloc/page/tag.h"

namespace mymalloc {
namespace {

constexpr HeapId kHeap{5};
constexpr SizeClass kClass = SmallClassOf(56);

// Slots side by side, each with its tag, marked live: the first argument says how many.
class Slots {
 public:
  explicit Slots(const benchmark::State& state)
      : count_(static_cast<size_t>(state.range(0))), words_((count_ + 2) * kWords) {
    g_tag_secret.Set(0x123456789abcdef, 0xfedcba987654321);
    key_.Set(Tag::OwnerBits(kHeap));
    for (size_t i = 0; i <= count_; ++i) {
      const SlotIndex slot(static_cast<unsigned>(i % kSlotsPerPage));
      Tag::Make(Block(i), kHeap, kClass, slot).Live().WriteTo(Block(i));
    }
  }

  // The next block, round and round.
  uintptr_t Next() {
    next_ = next_ + 1 < count_ ? next_ + 1 : 0;
    return Block(next_);
  }
  const Tag::Key& key() const { return key_; }

 private:
  static constexpr size_t kWords = StrideOf(kClass) / sizeof(uint64_t);

  uintptr_t Block(size_t i) { return reinterpret_cast<uintptr_t>(&words_[i * kWords + 2]); }

  size_t count_;
  size_t next_ = 0;
  std::vector<uint64_t> words_;
  Tag::Key key_{};
};

void Verify(benchmark::State& state) {
  Slots slots(state);
  for (auto _ : state) {
    const uintptr_t block = slots.Next();
    benchmark::DoNotOptimize(Tag::Of(block).Verifies(block));
  }
}
BENCHMARK(Verify)->Arg(256)->Arg(1 << 18);

// As free asks it: verifies, is live, and mine?
void VerifyAsOwn(benchmark::State& state) {
  Slots slots(state);
  for (auto _ : state) {
    const uintptr_t block = slots.Next();
    benchmark::DoNotOptimize(Tag::Of(block).VerifiesAsOwn(block, slots.key()));
  }
}
BENCHMARK(VerifyAsOwn)->Arg(256)->Arg(1 << 18);

void VerifyWithFence(benchmark::State& state) {
  Slots slots(state);
  for (auto _ : state) {
    const uintptr_t block = slots.Next();
    const Tag tag = Tag::Of(block);
    benchmark::DoNotOptimize(tag.VerifiesAsOwn(block, slots.key()) &&
                             FenceFollows(block, tag.bits(), kClass, slots.key()));
  }
}
BENCHMARK(VerifyWithFence)->Arg(256)->Arg(1 << 18);

void MarkFreeAndLive(benchmark::State& state) {
  Slots slots(state);
  for (auto _ : state) {
    const uintptr_t block = slots.Next();
    Tag::Of(block).Free().WriteTo(block);
    MarkLive(block, slots.key().live_delta);
  }
}
BENCHMARK(MarkFreeAndLive)->Arg(256)->Arg(1 << 18);

void Make(benchmark::State& state) {
  Slots slots(state);
  const uint64_t low = Tag::Low(kHeap, kClass, SlotIndex{7});
  for (auto _ : state) {
    benchmark::DoNotOptimize(Tag::Make(slots.Next(), low));
  }
}
BENCHMARK(Make)->Arg(256);

}  // namespace
}  // namespace mymalloc

BENCHMARK_MAIN();
