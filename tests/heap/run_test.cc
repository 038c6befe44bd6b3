// Blocks of 32 KiB to 2 MiB: runs of slots from their birth.

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "mymalloc/base/options.h"
#include "mymalloc/supply/page_supply.h"
#include "tests/heap/runs.h"
#include "tests/support/residency.h"

namespace mymalloc {
namespace {

using test::Address;
using test::Pointer;

class RunTest : public test::RunTestBase {};

// ---- Which blocks are runs ----

TEST_F(RunTest, RunsBeginWhereTheLargestSlotEnds) {
  void* const slot = Allocate(kLargestMedium);
  EXPECT_FALSE(TagOf(slot).IsRun());
  void* const run = Allocate(kLargestMedium + 1);
  EXPECT_TRUE(IsRun(run));
  EXPECT_EQ(TagOf(run).slots(), SlotCount{8});
  Free(slot);
  Free(run);
}

TEST_F(RunTest, TheLongerStrideServesWhereTheShorterEnds) {
  void* const last = Allocate(ShortRun(kMostRunSlots));
  EXPECT_EQ(TagOf(last).size_class(), kShortRuns);
  EXPECT_EQ(TagOf(last).slots(), kMostRunSlots);
  void* const next = Allocate(ShortRun(kMostRunSlots) + 1);
  EXPECT_EQ(TagOf(next).size_class(), kLongRuns);
  EXPECT_EQ(TagOf(next).slots(), SlotCount{8});
  Free(last);
  Free(next);
}

TEST_F(RunTest, TheyEndAboveTwoMebibytes) {
  EXPECT_GE(kLargestRun, 2 * kMiB);
  void* const last = Allocate(kLargestRun);
  EXPECT_TRUE(IsRun(last));
  EXPECT_EQ(TagOf(last).slots(), kMostRunSlots);
  void* const large = Allocate(kLargestRun + 1);
  EXPECT_TRUE(IsLarge(large));
  Free(last);
  Free(large);
}

TEST_F(RunTest, EachIsUsableThroughoutAndApartFromTheOthers) {
  std::vector<void*> blocks;
  for (size_t n = kLargestMedium + 1; n <= kLargestRun; n += n / 7) blocks.push_back(Allocate(n));
  for (void* block : blocks) {
    ASSERT_TRUE(IsRun(block));
    ASSERT_TRUE(test::IsAligned(block, kBlockAlignment));
    ASSERT_EQ(Usable(block), TagOf(block).slots() * PageOf(block)->stride() - kTagBytes);
    test::FillPattern(block, Usable(block), Address(block));
  }
  EXPECT_STREQ(VerifyHeap(), nullptr);
  for (void* block : blocks) {
    ASSERT_TRUE(test::MatchesPattern(block, Usable(block), Address(block)));
    Free(block);
  }
}

TEST_F(RunTest, AlignedOnesAreRunsUpToAnOsPage) {
  for (size_t alignment = 2 * kBlockAlignment; alignment <= KernelPage(); alignment *= 2) {
    const size_t longest = kMostRunSlots * StrideOf(kLongRuns + 1) - kTagBytes;
    for (const size_t n : {kLargestMedium + 1, 256 * kKiB - 8, 256 * kKiB, kMiB, longest}) {
      void* const block = AllocateAligned(alignment, n);
      ASSERT_TRUE(IsRun(block)) << n;
      ASSERT_TRUE(test::IsAligned(block, alignment)) << n;
      ASSERT_GE(Usable(block), n);
      memset(block, 1, Usable(block));
      Free(block);
    }
    void* const large = AllocateAligned(alignment, longest + 1);
    EXPECT_TRUE(IsLarge(large));
    Free(large);
  }
  void* const large = AllocateAligned(2 * KernelPage(), 100 * kKiB);
  EXPECT_TRUE(IsLarge(large));
  EXPECT_TRUE(test::IsAligned(large, 2 * KernelPage()));
  Free(large);
}

// What is freed is held back, or overwritten, or has guards: of parts of pages none of that.
TEST_F(RunTest, ThereAreNoneInTheHardenedModes) {
  for (int mode = 0; mode < 3; ++mode) {
    g_options.guard_pages = mode == 0;
    g_options.quarantine.value = mode == 1 ? 64 * kKiB : 0;
    g_options.zero_on_free = mode == 2;
    g_policy = PolicyOf(g_options);
    void* const block = Allocate(100 * kKiB);
    EXPECT_TRUE(IsLarge(block)) << mode;
    Free(block);
  }
}

TEST_F(RunTest, WhatIsCalledZeroIs) {
  std::mt19937 random(1);
  std::vector<void*> blocks;
  int zeroed = 0;
  for (int i = 0; i < 300; ++i) {
    const size_t n = kLargestMedium + 1 + random() % (i % 4 == 0 ? kMiB : 200 * kKiB);
    const NewBlock fresh = AllocateMedium(n);
    const size_t usable = Usable(fresh.pointer);
    ASSERT_TRUE(!fresh.zeroed || test::IsZero(fresh.pointer, usable)) << n;
    zeroed += fresh.zeroed ? 1 : 0;
    memset(fresh.pointer, 0xff, usable);
    blocks.push_back(fresh.pointer);
    if (blocks.size() < 20) continue;
    std::swap(blocks[random() % blocks.size()], blocks.back());
    Free(blocks.back());
    blocks.pop_back();
    if (i % 50 == 0) GiveAllBack();
  }
  EXPECT_GT(zeroed, 0) << "calloc would write every time";
  for (void* block : blocks) Free(block);
}

// ---- Their memory ----

TEST_F(RunTest, TheSlotsOfAFreedOneServeAgain) {
  const std::vector<void*> blocks = SideBySide(100 * kKiB, 3);
  Free(blocks[1]);
  EXPECT_EQ(Allocate(90 * kKiB), blocks[1]);
  Free(blocks[1]);
  void* const longer = Allocate(150 * kKiB);
  EXPECT_NE(longer, blocks[1]);
  Free(longer);
  Free(blocks[0]);
  Free(blocks[2]);
}

TEST_F(RunTest, TheMemoryOfFreedOnesGoesBackAndNeighboursStay) {
  const size_t n = 200 * kKiB;
  const std::vector<void*> blocks = SideBySide(n, 5);
  for (void* block : blocks) test::FillPattern(block, Usable(block), Address(block));
  const uintptr_t inner = RoundUp(Address(blocks[1]), KernelPage());
  const size_t bytes = RoundDown(n, KernelPage()) - KernelPage();
  Free(blocks[1]);
  Free(blocks[3]);
  EXPECT_EQ(test::ResidentPages(inner, bytes), bytes / KernelPage());
  GiveAllBack();
  EXPECT_EQ(test::ResidentPages(inner, bytes), 0u);
  for (const size_t i : {0u, 2u, 4u}) {
    EXPECT_TRUE(test::MatchesPattern(blocks[i], Usable(blocks[i]), Address(blocks[i])));
    Free(blocks[i]);
  }
}

TEST_F(RunTest, NoPageOfThemIsLeftWhenAllWereFreed) {
  std::vector<void*> blocks;
  for (size_t i = 0; i < 200; ++i) blocks.push_back(Allocate(33 * kKiB + i * 5 * kKiB));
  for (void* block : blocks) Free(block);
  GiveAllBack();
  EXPECT_EQ(PagesOfRuns(), 0u);
  EXPECT_EQ(g_page_supply.DirtyBytes(), 0u);
}

// ---- Other threads ----

TEST_F(RunTest, WhatOthersFreeServesAgain) {
  std::vector<void*> blocks(60);
  for (size_t i = 0; i < blocks.size(); ++i) blocks[i] = Allocate(40 * kKiB + i * kKiB);
  const size_t pages = PagesOfRuns();
  for (int round = 0; round < 5; ++round) {
    std::thread([&] {
      for (void* block : blocks) Free(block);
      EXPECT_STREQ(VerifyHeap(), nullptr);
    }).join();
    EXPECT_STREQ(VerifyHeap(), nullptr);
    for (size_t i = 0; i < blocks.size(); ++i) blocks[i] = Allocate(40 * kKiB + i * kKiB);
    EXPECT_EQ(PagesOfRuns(), pages);
  }
  for (void* block : blocks) Free(block);
}

TEST_F(RunTest, ItIsFreeAtOnceForTheStatistics) {
  const Statistics before = CountHeap();
  std::vector<void*> blocks(20);
  for (void*& block : blocks) block = Allocate(300 * kKiB);
  const Statistics full = CountHeap();
  EXPECT_EQ(full.live.blocks, before.live.blocks + 20);
  EXPECT_EQ(full.live.bytes, before.live.bytes + 20 * (LongRun(SlotCount{10}) + kTagBytes));
  EXPECT_EQ(full.large.blocks, before.large.blocks);
  for (size_t i = 0; i < 10; ++i) Free(blocks[i]);
  Statistics now = CountHeap();
  EXPECT_EQ(now.live.blocks, before.live.blocks + 10);
  EXPECT_EQ(now.live.bytes, before.live.bytes + 10 * (LongRun(SlotCount{10}) + kTagBytes));
  std::thread([&] {
    for (size_t i = 10; i < 20; ++i) Free(blocks[i]);
  }).join();
  now = CountHeap();
  EXPECT_EQ(now.live.blocks, before.live.blocks);
  EXPECT_EQ(now.live.bytes, before.live.bytes);
  CurrentHeap()->Flush();
  now = CountHeap();
  EXPECT_EQ(now.live.blocks, before.live.blocks);
  EXPECT_EQ(now.live.bytes, before.live.bytes);
}

TEST_F(RunTest, AnotherThreadMayResizeAndFreeIt) {
  const std::vector<void*> blocks = SideBySide(100 * kKiB, 3);
  test::FillPattern(blocks[0], 100 * kKiB, 7);
  Free(blocks[1]);
  std::thread([&] {
    EXPECT_EQ(Reallocate(blocks[0], 150 * kKiB, "realloc"), blocks[0]);
    EXPECT_TRUE(test::MatchesPattern(blocks[0], 100 * kKiB, 7));
    EXPECT_STREQ(VerifyHeap(), nullptr);
    Free(blocks[0]);
  }).join();
  Free(blocks[2]);
  EXPECT_STREQ(VerifyHeap(), nullptr);
}

// ---- realloc ----

TEST_F(RunTest, ItGrowsInPlaceOverFreeSlots) {
  const std::vector<void*> blocks = SideBySide(100 * kKiB, 3);
  test::FillPattern(blocks[0], Usable(blocks[0]), 1);
  const size_t before = Usable(blocks[0]);
  Free(blocks[1]);
  EXPECT_EQ(Reallocate(blocks[0], 180 * kKiB, "realloc"), blocks[0]);
  EXPECT_GE(Usable(blocks[0]), 180 * kKiB);
  EXPECT_LT(Usable(blocks[0]), 185 * kKiB);
  EXPECT_TRUE(test::MatchesPattern(blocks[0], before, 1));
  memset(blocks[0], 0xff, Usable(blocks[0]));
  EXPECT_STREQ(VerifyHeap(), nullptr);
  // Up to the next one, and there it must move.
  const size_t all = ShortRun(TagOf(blocks[2]).slot() - TagOf(blocks[0]).slot());
  EXPECT_EQ(Reallocate(blocks[0], all, "realloc"), blocks[0]);
  test::FillPattern(blocks[0], all, 2);
  void* const moved = Reallocate(blocks[0], all + 1, "realloc");
  EXPECT_NE(moved, blocks[0]);
  EXPECT_TRUE(test::MatchesPattern(moved, all, 2));
  Free(moved);
  Free(blocks[2]);
}

TEST_F(RunTest, ItGrowsInPlaceOverMemoryThatWasNeverUsed) {
  void* const block = Allocate(100 * kKiB);
  EXPECT_EQ(Reallocate(block, 250 * kKiB, "realloc"), block);
  memset(block, 0xff, Usable(block));
  EXPECT_STREQ(VerifyHeap(), nullptr);
  Free(block);
}

TEST_F(RunTest, ItGrowsPastItsClassByMoving) {
  void* block = Allocate(200 * kKiB);
  test::FillPattern(block, 200 * kKiB, 5);
  for (const size_t n : {300 * kKiB, kMiB, 3 * kMiB, 40 * kMiB}) {
    block = Reallocate(block, n, "realloc");
    ASSERT_GE(Usable(block), n);
    ASSERT_TRUE(test::MatchesPattern(block, 200 * kKiB, 5));
    EXPECT_STREQ(VerifyHeap(), nullptr);
  }
  Free(block);
}

TEST_F(RunTest, ItsTailIsFreedInPlaceIfThatIsWorthIt) {
  const size_t n = 240 * kKiB;
  void* const block = Allocate(n);
  test::FillPattern(block, n, 3);
  const Statistics before = CountHeap();
  const size_t usable = Usable(block);
  EXPECT_EQ(Reallocate(block, n - n / 8, "realloc"), block);
  EXPECT_EQ(Usable(block), usable);
  EXPECT_EQ(Reallocate(block, n / 2, "realloc"), block);
  EXPECT_LT(Usable(block), n / 2 + 8 * kKiB);
  EXPECT_TRUE(test::MatchesPattern(block, n / 2, 3));
  EXPECT_EQ(CountHeap().live.blocks, before.live.blocks);
  EXPECT_EQ(before.live.bytes - CountHeap().live.bytes, usable - Usable(block));
  EXPECT_STREQ(VerifyHeap(), nullptr);
  // What came free is there for others.
  void* const other = Allocate(100 * kKiB);
  EXPECT_GT(Address(other), Address(block));
  EXPECT_LT(Address(other), Address(block) + n);
  EXPECT_EQ(Reallocate(block, 33 * kKiB, "realloc"), block);
  EXPECT_TRUE(test::MatchesPattern(block, 33 * kKiB, 3));
  void* const slot = Reallocate(block, 1000, "realloc");
  EXPECT_FALSE(TagOf(slot).IsRun());
  EXPECT_TRUE(test::MatchesPattern(slot, 1000, 3));
  Free(slot);
  Free(other);
}

TEST_F(RunTest, NoPageIsLeftBehindByMany) {
  std::mt19937_64 random(2);
  struct Live {
    void* block;
    size_t size;
    uint64_t seed;
  };
  std::vector<Live> live;
  const auto size = [&] { return 20000 + random() % (random() % 6 == 0 ? 2 * kMiB : 200 * kKiB); };
  for (int i = 0; i < 6000; ++i) {
    if (live.size() < 20 || random() % 8 == 0) {
      const size_t n = size();
      live.push_back({Allocate(n), n, random()});
    } else {
      std::swap(live[random() % live.size()], live.back());
      Live& last = live.back();
      ASSERT_TRUE(test::MatchesPattern(last.block, last.size, last.seed));
      if (random() % 2 == 0 || live.size() > 40) {
        if (i % 100 == 0) {
          std::thread([&] { Free(last.block); }).join();
        } else {
          Free(last.block);
        }
        live.pop_back();
        continue;
      }
      const size_t n = size();
      last.block = Reallocate(last.block, n, "realloc");
      ASSERT_TRUE(test::MatchesPattern(last.block, Min(n, last.size), last.seed));
      last.size = n;
    }
    test::FillPattern(live.back().block, live.back().size, live.back().seed);
    if (i % 200 == 0) {
      ASSERT_STREQ(VerifyHeap(), nullptr);
    }
    if (i % 500 == 0) g_janitor.Pass(/*all=*/i % 1000 == 0);
  }
  for (const Live& each : live) Free(each.block);
  GiveAllBack();
  EXPECT_EQ(PagesOfRuns(), 0u);
}

}  // namespace
}  // namespace mymalloc
