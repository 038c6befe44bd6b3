#include "mymalloc/large/large.h"

#include <sys/mman.h>

#include <atomic>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "mymalloc/os/chunks.h"
#include "mymalloc/report/inspector.h"
#include "tests/heap/engine.h"
#include "tests/support/block.h"
#include "tests/support/residency.h"

namespace mymalloc {
namespace {

using test::Pointer;

constexpr size_t kBig = kMiB;

class LargeTest : public test::EngineTest {
 protected:
  // Of a live block; nullptr if there is none.
  static LargeBlock* RecordOf(uintptr_t address) {
    Interval range;
    Owner owner;
    LargeBlock* const large = g_page_map.Find(address, &range, &owner) ? owner.large() : nullptr;
    return large != nullptr && large->live ? large : nullptr;
  }
  static uintptr_t Allocate(size_t n, size_t alignment = kBlockAlignment) {
    bool zeroed = false;
    return AllocateLarge(n, alignment, &zeroed);
  }
  static void Free(uintptr_t block) { EXPECT_TRUE(FreeLarge(RecordOf(block), block)); }
};

TEST_F(LargeTest, IsTaggedKnownAndUsableThroughout) {
  for (const size_t n : {size_t{1}, size_t{4096}, size_t{131073}, kBig - 1, kBig, 50 * kBig + 17}) {
    const uintptr_t block = Allocate(n);
    ASSERT_NE(block, 0u);
    EXPECT_EQ(block % kBlockAlignment, 0u);
    const Tag tag = Tag::Of(block);
    EXPECT_TRUE(tag.Verifies(block));
    EXPECT_TRUE(tag.live());
    EXPECT_EQ(tag.size_class(), Tag::kLargeClass);
    const LargeBlock* large = RecordOf(block);
    ASSERT_NE(large, nullptr);
    EXPECT_EQ(RecordOf(block + n - 1), large);
    EXPECT_GE(large->usable(), n);
    EXPECT_LT(large->usable(), n + 2 * KernelPage());
    memset(Pointer(block), 1, large->usable());
    Free(block);
    EXPECT_EQ(RecordOf(block), nullptr);
  }
}

TEST_F(LargeTest, OfTwoThreadsThatFreeABlockOneDoes) {
  constexpr int kBlocks = 2000;
  for (int i = 0; i < kBlocks; ++i) {
    const uintptr_t block = Allocate(kBig);
    ASSERT_NE(block, 0u);
    LargeBlock* const large = RecordOf(block);
    std::atomic<int> ready{0};
    std::atomic<int> freed{0};
    const auto free = [&] {
      ++ready;
      while (ready != 2) {
      }
      freed += FreeLarge(large, block) ? 1 : 0;
    };
    std::thread other(free);
    free();
    other.join();
    ASSERT_EQ(freed, 1);
    ASSERT_EQ(RecordOf(block), nullptr);
  }
}

TEST_F(LargeTest, OfTwoThreadsThatResizeABlockOneDoes) {
  const uintptr_t block = Allocate(kBig);
  LargeBlock* const large = RecordOf(block);
  Interval before{};
  ASSERT_TRUE(g_large_blocks.Bounds(large, block, &before));
  ASSERT_EQ(ResizeLarge(large, block, kBig / 2), block);
  EXPECT_FALSE(g_large_blocks.Resize(large, before, before.end - 4 * KernelPage(), 1));
  EXPECT_FALSE(g_large_blocks.Move(large, before, 4 * kBig, 1));
  EXPECT_FALSE(g_large_blocks.Bounds(large, block + kBlockAlignment, &before));
  EXPECT_EQ(large->requested, kBig / 2);
  EXPECT_STREQ(VerifyHeap(), nullptr);
  Free(block);
  EXPECT_FALSE(g_large_blocks.Bounds(large, block, &before));
}

TEST_F(LargeTest, EveryAlignment) {
  for (size_t alignment = 16; alignment <= 64 * kMiB; alignment *= 2) {
    for (const size_t n : {size_t{1}, alignment, kBig}) {
      const uintptr_t block = Allocate(n, alignment);
      ASSERT_NE(block, 0u);
      ASSERT_EQ(block % alignment, 0u);
      ASSERT_GE(RecordOf(block)->usable(), n);
      memset(Pointer(block), 1, RecordOf(block)->usable());
      EXPECT_STREQ(VerifyHeap(), nullptr);
      Free(block);
    }
  }
}

TEST_F(LargeTest, FreshMemoryIsCalledZeroAndReusedMemoryIsNot) {
  GiveAllBack();
  bool zeroed = false;
  const uintptr_t block = AllocateLarge(kBig, kBlockAlignment, &zeroed);
  EXPECT_TRUE(zeroed);
  EXPECT_TRUE(test::IsZero(Pointer(block), kBig));
  memset(Pointer(block), 1, kBig);
  Free(block);
  const uintptr_t again = AllocateLarge(kBig, kBlockAlignment, &zeroed);
  EXPECT_EQ(again, block);
  EXPECT_FALSE(zeroed);
  Free(again);
}

// The same memory serves pages and large blocks.
TEST_F(LargeTest, FreedMemoryGoesToThePageSupply) {
  const uintptr_t block = Allocate(8 * kBig);
  EXPECT_TRUE(os::InChunk(block));
  EXPECT_EQ(g_page_supply.DirtyBytes(), 0u);
  Free(block);
  EXPECT_GE(g_page_supply.DirtyBytes(), 8 * kBig);
  EXPECT_EQ(g_large_blocks.Bytes(), 0u) << "held back";
  const uintptr_t page = g_page_supply.Allocate(kBig).begin;
  EXPECT_LT(page - RoundDown(block, KernelPage()), 8 * kBig);
  g_page_supply.Free(page, kBig);
}

TEST_F(LargeTest, AHugeOneIsAMappingOfItsOwnUntilItIsFreed) {
  const uintptr_t block = Allocate(kLeastHuge);
  EXPECT_TRUE(RecordOf(block)->mapped);
  EXPECT_FALSE(os::InChunk(block));
  memset(Pointer(block), 1, KernelPage());
  const size_t dirty = g_page_supply.DirtyBytes();
  Free(block);
  EXPECT_FALSE(test::IsReadable(block));
  EXPECT_EQ(g_page_supply.DirtyBytes(), dirty);
}

TEST_F(LargeTest, GrowthKeepsTheContents) {
  uintptr_t block = Allocate(kBig);
  test::FillPattern(Pointer(block), kBig, 9);
  for (size_t n = kBig; n < 100 * kBig; n += n / 2) {
    const size_t before = RecordOf(block)->usable();
    LargeBlock* const large = RecordOf(block);
    const uintptr_t now = ResizeLarge(large, large->block, n);
    if (now == 0) continue;  // the caller would copy
    block = now;
    ASSERT_EQ(RecordOf(block), large);
    ASSERT_EQ(large->block, block);
    ASSERT_GE(large->usable(), n);
    ASSERT_GE(large->usable(), before);
    ASSERT_TRUE(Tag::Of(block).Verifies(block));
    ASSERT_TRUE(Tag::Of(block).live());
    ASSERT_TRUE(test::MatchesPattern(Pointer(block), kBig, 9));
    memset(Pointer(block + kBig), 1, large->usable() - kBig);
    ASSERT_STREQ(VerifyHeap(), nullptr);
  }
  Free(block);
}

TEST_F(LargeTest, GrowsInPlaceIntoWhatWasFreedBehind) {
  const uintptr_t block = Allocate(4 * kBig);
  LargeBlock* const large = RecordOf(block);
  const size_t whole = large->usable();
  ASSERT_EQ(ResizeLarge(large, large->block, kBig), block);
  EXPECT_LT(large->usable(), kBig + 2 * KernelPage());
  EXPECT_STREQ(VerifyHeap(), nullptr);
  ASSERT_EQ(ResizeLarge(large, large->block, 3 * kBig), block);
  EXPECT_LE(large->usable(), whole);
  Free(block);
}

TEST_F(LargeTest, AMovedBlockKeepsItsPlaceInItsPage) {
  const uintptr_t block = Allocate(kLeastHuge, 512);
  EXPECT_EQ(block % 512, 0u);
  test::FillPattern(Pointer(block), kBig, 4);
  // Something right behind, so that it must move.
  LargeBlock* const large = RecordOf(block);
  void* const wall =
      mmap(Pointer(large->end), KernelPage(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const uintptr_t moved = ResizeLarge(large, large->block, 4 * kLeastHuge);
  ASSERT_NE(moved, 0u);
  EXPECT_EQ(moved % 512, 0u);
  EXPECT_TRUE(test::MatchesPattern(Pointer(moved), kBig, 4));
  EXPECT_STREQ(VerifyHeap(), nullptr);
  munmap(wall, KernelPage());
  Free(large->block);
}

TEST_F(LargeTest, ShrinksOnlyWhenItIsWorthIt) {
  const uintptr_t block = Allocate(4 * kBig);
  LargeBlock* const large = RecordOf(block);
  const size_t usable = large->usable();
  EXPECT_EQ(ResizeLarge(large, large->block, usable - KernelPage()), block);
  EXPECT_EQ(large->usable(), usable);
  test::FillPattern(Pointer(block), kBig, 2);
  EXPECT_EQ(ResizeLarge(large, large->block, kBig), block);
  EXPECT_LT(large->usable(), kBig + 2 * KernelPage());
  EXPECT_TRUE(test::MatchesPattern(Pointer(block), kBig, 2));
  EXPECT_GE(g_page_supply.DirtyBytes(), 2 * kBig);
  Free(block);
}

TEST_F(LargeTest, TheImpossibleIsRefusedAndNothingChanges) {
  const size_t limit = PTRDIFF_MAX;
  EXPECT_EQ(Allocate(limit), 0u);
  EXPECT_EQ(Allocate(limit - KernelPage()), 0u);
  EXPECT_EQ(Allocate(1, size_t{1} << 62), 0u);
  EXPECT_EQ(Allocate(1, size_t{1} << 47), 0u);
  const uintptr_t block = Allocate(kBig);
  LargeBlock* const large = RecordOf(block);
  EXPECT_EQ(ResizeLarge(large, large->block, limit), 0u);
  EXPECT_EQ(ResizeLarge(large, large->block, size_t{1} << 50), 0u);
  EXPECT_EQ(large->block, block);
  EXPECT_EQ(RecordOf(block), large);
  Free(block);
}

// What a freed block leaves is never what the next takes for its own.
TEST_F(LargeTest, RandomUse) {
  std::mt19937_64 random(5);
  struct Live {
    uintptr_t block;
    size_t n;
  };
  std::vector<Live> live;
  for (uint64_t i = 0; i < 1500; ++i) {
    if (live.size() < 8 || (live.size() < 30 && random() % 2 == 0)) {
      const size_t n = 1 + random() % (random() % 8 == 0 ? 8 * kBig : kBig / 2);
      const size_t alignment = size_t{16} << random() % (random() % 4 == 0 ? 18 : 4);
      live.push_back({Allocate(n, alignment), n});
      ASSERT_EQ(live.back().block % alignment, 0u);
    } else {
      std::swap(live[random() % live.size()], live.back());
      Live& last = live.back();
      ASSERT_TRUE(test::MatchesPattern(Pointer(last.block), last.n, last.block));
      if (random() % 2 == 0) {
        Free(last.block);
        live.pop_back();
        continue;
      }
      const size_t n = 1 + random() % (2 * kBig);
      const size_t kept = std::min(n, last.n);
      const uint64_t seed = last.block;
      const uintptr_t now = ResizeLarge(RecordOf(last.block), last.block, n);
      if (now == 0) continue;
      ASSERT_TRUE(kept < last.n || test::MatchesPattern(Pointer(now), last.n, seed));
      last = {now, n};
    }
    test::FillPattern(Pointer(live.back().block), live.back().n, live.back().block);
    ASSERT_STREQ(i % 50 == 0 ? VerifyHeap() : nullptr, nullptr) << i;
    if (i % 100 == 0) g_janitor.Pass(/*all=*/false);
  }
  for (const Live& l : live) Free(l.block);
}

}  // namespace
}  // namespace mymalloc
