// Blocks in random order, and the distances of samples.

#include <algorithm>
#include <cstring>
#include <random>
#include <set>
#include <vector>

#include "mymalloc/heap/heap.h"
#include "tests/heap/engine.h"
#include "tests/support/block.h"

namespace mymalloc {
namespace {

using test::Pointer;

class HeapRandomTest : public test::EngineTest {
 protected:
  HeapRandomTest() { g_options.random_slots = true; }

  static uintptr_t Allocate(SizeClass c) {
    const uintptr_t entry = CurrentHeap()->magazine(c).Pop();
    if (entry == 0) return BlockOf(CurrentHeap()->AllocateSlow(c));
    MarkLive(BlockOf(entry));
    return BlockOf(entry);
  }
  static void Free(uintptr_t block) {
    const Tag tag = Tag::Of(block);
    tag.Free().WriteTo(block);
    if (!CurrentHeap()->magazine(tag.size_class()).Push(block)) {
      CurrentHeap()->FreeSlow(block, tag.size_class());
    }
  }
  static void ExpectSound(uintptr_t block, SizeClass c) {
    const Tag tag = Tag::Of(block);
    ASSERT_TRUE(tag.Verifies(block) && tag.live() && tag.size_class() == c);
    ASSERT_TRUE(FenceVerifies(block, tag))
        << "class " << c.value() << " slot " << tag.slot().value();
  }
};

// Whatever is taken and given back in whatever order: blocks are apart, and behind each lies a tag
// that verifies.
TEST_F(HeapRandomTest, EveryFenceVerifiesAfterRandomUse) {
  std::mt19937_64 random(1);
  for (const size_t n : {8u, 24u, 100u, 248u, 1000u, 1100u, 3000u, 9000u}) {
    const SizeClass c = ClassOf(n);
    std::vector<uintptr_t> live;
    for (int i = 0; i < 6000; ++i) {
      const size_t most = i / 1000 % 2 == 0 ? 600 : 50;
      if (live.empty() || (live.size() < most && random() % 3 != 0)) {
        live.push_back(Allocate(c));
        ASSERT_NE(live.back(), 0u);
        ASSERT_NO_FATAL_FAILURE(ExpectSound(live.back(), c));
        memset(Pointer(live.back()), 0xee, UsableOf(c));
      } else {
        std::swap(live[random() % live.size()], live.back());
        ASSERT_NO_FATAL_FAILURE(ExpectSound(live.back(), c));
        Free(live.back());
        live.pop_back();
      }
      if (i % 500 != 0) continue;
      CurrentHeap()->Flush();
      ASSERT_STREQ(VerifyHeap(), nullptr);
      for (const uintptr_t block : live) ASSERT_NO_FATAL_FAILURE(ExpectSound(block, c));
      ASSERT_EQ(std::set<uintptr_t>(live.begin(), live.end()).size(), live.size());
    }
    for (const uintptr_t block : live) Free(block);
    GiveAllBack();
  }
}

// Also a magazine's worth at a time does not come in the order of its addresses.
TEST_F(HeapRandomTest, NeighboursAreSeldomHandedOutOneAfterTheOther) {
  for (const size_t n : {24u, 1000u, 2000u, 8000u, 30000u}) {
    const SizeClass c = ClassOf(n);
    std::vector<uintptr_t> blocks(2000);
    for (uintptr_t& block : blocks) block = Allocate(c);
    int neighbours = 0;
    for (size_t i = 1; i < blocks.size(); ++i) {
      if (blocks[i] == blocks[i - 1] + StrideOf(c)) ++neighbours;
    }
    EXPECT_LT(neighbours, 400) << n;
    for (const uintptr_t block : blocks) Free(block);
  }
}

// All of a page is handed out before there is a second one.
TEST_F(HeapRandomTest, NoSlotIsForgotten) {
  for (const size_t n : {24u, 3000u}) {
    GiveAllBack();
    const SizeClass c = ClassOf(n);
    std::vector<uintptr_t> blocks = {Allocate(c)};
    const PageHeader* const page = HeaderOf(blocks[0], Tag::Of(blocks[0]));
    for (unsigned i = 1; i < page->capacity; ++i) blocks.push_back(Allocate(c));
    for (const uintptr_t block : blocks) EXPECT_EQ(HeaderOf(block, Tag::Of(block)), page);
    for (const uintptr_t block : blocks) Free(block);
  }
}

// A few long blocks that come and go do not make their whole page resident.
TEST_F(HeapRandomTest, OfLongSlotsThoseTouchedBeforeAreTaken) {
  const SizeClass c = ClassOf(9000);
  unsigned high_water = 0;
  for (int i = 0; i < 500; ++i) {
    const uintptr_t a = Allocate(c);
    const uintptr_t b = Allocate(c);
    high_water = HeaderOf(a, Tag::Of(a))->high_water;
    Free(a);
    Free(b);
    CurrentHeap()->Flush();
  }
  EXPECT_LE(high_water, 40u);
}

// Which of a fresh page's slots comes next is one of several at any time, to its last few: were the
// lowest free one taken, that would be known.
TEST_F(HeapRandomTest, TheNextSlotOfAFreshPageIsSeldomTheLowestFreeOne) {
  for (const size_t n : {64u, 2000u, 8000u, 30000u}) {
    GiveAllBack();
    const SizeClass c = ClassOf(n);
    std::vector<uintptr_t> blocks;
    int lowest = 0;
    constexpr int kBlocks = 200;
    for (int i = 0; i < kBlocks; ++i) {
      const uintptr_t block = Allocate(c);
      const uintptr_t page = HeaderOf(block, Tag::Of(block))->page().value();
      uintptr_t below = block - StrideOf(c);
      while (below > page && std::find(blocks.begin(), blocks.end(), below) != blocks.end()) {
        below -= StrideOf(c);
      }
      if (below <= page) ++lowest;
      blocks.push_back(block);
    }
    EXPECT_LT(lowest, kBlocks / 3) << n;
    for (const uintptr_t b : blocks) Free(b);
  }
}

// Each bit of a random number, and each four that follow each other: all sixteen values, as often.
TEST_F(HeapRandomTest, AllBitsAreRandom) {
  constexpr int kNumbers = 16000;
  for (unsigned shift = 0; shift <= 60; ++shift) {
    int count[16] = {};
    int same = 0;
    uint64_t before[64] = {};
    for (int i = 0; i < kNumbers; ++i) {
      const uint64_t value = CurrentHeap()->Random() >> shift & 15;
      ++count[value];
      if (before[i % 64] == value) ++same;  // a short period
      before[i % 64] = value;
    }
    for (const int n : count) EXPECT_NEAR(n, kNumbers / 16, 200) << shift;  // six deviations
    EXPECT_NEAR(same, kNumbers / 16, 200) << shift;
  }
}

// Nor does a program's handful of long blocks make more than a part of its page resident.
TEST_F(HeapRandomTest, AFreshPageIsTouchedAsFarAsItIsUsed) {
  GiveAllBack();
  const SizeClass c = ClassOf(20000);
  std::vector<uintptr_t> blocks;
  for (unsigned i = 1; i <= 100; ++i) {
    blocks.push_back(Allocate(c));
    CurrentHeap()->Flush();
    const PageHeader* const page = HeaderOf(blocks[0], Tag::Of(blocks[0]));
    EXPECT_LE(page->high_water, i + 40) << i;
  }
  for (const uintptr_t block : blocks) Free(block);
}

// Whether a sample is taken of so many allocations.
bool IsSampled(Heap* heap, uint64_t allocations, bool fits) {
  heap->CountAllocated(allocations);
  return heap->SampleIsDue() && heap->TakeSample(fits);
}

Heap* HeapThatSamples(uint64_t every) {
  g_options.sample = {every};
  CurrentHeap()->DrawSample();
  return CurrentHeap();
}

TEST_F(HeapRandomTest, SamplesAreSoFarApartInTheMean) {
  for (const uint32_t every : {2u, 10u, 1000u}) {
    Heap* const heap = HeapThatSamples(every);
    constexpr int kSamples = 4000;
    uint64_t calls = 0;
    uint64_t longest = 0;
    std::set<uint64_t> distances;
    for (int i = 0; i < kSamples; ++i) {
      uint64_t distance = 1;
      while (!IsSampled(heap, 1, true)) ++distance;
      calls += distance;
      longest = std::max(longest, distance);
      distances.insert(distance);
    }
    const double mean = static_cast<double>(calls) / kSamples;
    EXPECT_NEAR(mean / every, 1, 0.06) << every;  // six standard deviations
    EXPECT_LE(longest, 2 * every - 1);
    EXPECT_GT(distances.size(), every / 2);
  }
}

// Who asks but now and then says how many there were.
TEST_F(HeapRandomTest, SamplesAreSoFarApartWhereSeveralPassAtOnce) {
  constexpr uint32_t kEvery = 5000;
  Heap* const heap = HeapThatSamples(kEvery);
  uint64_t calls = 0;
  int samples = 0;
  for (uint32_t passed = 1; samples < 4000; passed = passed % 64 + 1) {
    calls += passed;
    samples += IsSampled(heap, passed, true) ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(calls) / samples / kEvery, 1, 0.06);
}

TEST_F(HeapRandomTest, WhatDoesNotFitLeavesTheSampleToTheNext) {
  Heap* const heap = HeapThatSamples(uint64_t{100} << 20);
  uint64_t bytes = 0;
  int samples = 0;
  for (int i = 0; samples < 4000; ++i) {
    const bool fits = i % 10 == 0;
    bytes += fits ? 100 : 100000;
    const bool due = IsSampled(heap, fits ? 100 : 100000, fits);
    EXPECT_TRUE(fits || !due);
    samples += due ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(bytes) / samples / (100 << 20), 1, 0.06);
}

TEST_F(HeapRandomTest, EveryCallIsSampledIfAsked) {
  Heap* const heap = HeapThatSamples(1);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(IsSampled(heap, 1, true));
}

TEST_F(HeapRandomTest, NoneIsSampledIfNoneIsWanted) {
  Heap* const heap = HeapThatSamples(0);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(IsSampled(heap, uint64_t{1} << 50, true));
}

}  // namespace
}  // namespace mymalloc
