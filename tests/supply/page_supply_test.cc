#include "mymalloc/supply/page_supply.h"

#include <cstring>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "mymalloc/os/chunks.h"
#include "mymalloc/report/inspector.h"
#include "tests/support/block.h"
#include "tests/support/residency.h"

namespace mymalloc {
namespace {

using test::IsZero;
using test::ResidentPages;

constexpr size_t kBytes = 16 * KernelPage();

void* Pointer(uintptr_t address) { return reinterpret_cast<void*>(address); }

class PageSupplyTest : public testing::Test {
 protected:
  PageSupplyTest() {
    static const bool ready = (os::g_chunks.Init(/*scarce=*/false, /*tags_readable=*/true), true);
    EXPECT_TRUE(ready);
  }
  ~PageSupplyTest() override { EXPECT_STREQ(supply_.Verify(), nullptr); }

  // A range in use, written to.
  uintptr_t Used(size_t bytes) {
    const uintptr_t begin = supply_.Allocate(bytes).begin;
    memset(Pointer(begin), 0x5a, bytes);
    return begin;
  }

  PageSupply supply_;
};

TEST_F(PageSupplyTest, NewMemoryIsZeroAndSaysSo) {
  const PageSupply::Grant grant = supply_.Allocate(kBytes);
  ASSERT_NE(grant.begin, 0u);
  EXPECT_EQ(grant.begin % KernelPage(), 0u);
  EXPECT_TRUE(grant.zeroed());
  EXPECT_TRUE(IsZero(Pointer(grant.begin), kBytes));
}

TEST_F(PageSupplyTest, UsedMemoryIsTakenFirstAndIsNotCalledZero) {
  const uintptr_t begin = Used(kBytes);
  supply_.Free(begin, kBytes);
  EXPECT_EQ(supply_.DirtyBytes(), kBytes);
  const PageSupply::Grant grant = supply_.Allocate(kBytes);
  EXPECT_EQ(grant.begin, begin);
  EXPECT_FALSE(grant.zeroed());
  EXPECT_EQ(supply_.DirtyBytes(), 0u);
}

TEST_F(PageSupplyTest, FreedNeighboursAreOneRange) {
  const uintptr_t begin = Used(3 * kBytes);
  supply_.Free(begin, kBytes);
  supply_.Free(begin + 2 * kBytes, kBytes);
  supply_.Free(begin + kBytes, kBytes);
  EXPECT_EQ(supply_.Allocate(3 * kBytes).begin, begin);
}

TEST_F(PageSupplyTest, TakesTheTightestRange) {
  const uintptr_t all = Used(100 * kBytes);
  const uintptr_t wide = all;                 // 4 units free
  const uintptr_t tight = all + 10 * kBytes;  // 2 units free
  supply_.Free(wide, 4 * kBytes);
  supply_.Free(tight, 2 * kBytes);
  EXPECT_EQ(supply_.Allocate(2 * kBytes).begin, tight);
  EXPECT_EQ(supply_.Allocate(2 * kBytes).begin, wide);
}

TEST_F(PageSupplyTest, PurgedMemoryIsGoneAndZeroAgain) {
  const uintptr_t begin = Used(kBytes);
  supply_.Free(begin, kBytes);
  EXPECT_EQ(ResidentPages(begin, kBytes), kBytes / KernelPage());
  EXPECT_TRUE(supply_.PurgeAll());
  EXPECT_FALSE(supply_.PurgeAll());
  EXPECT_EQ(ResidentPages(begin, kBytes), 0u);
  EXPECT_EQ(supply_.DirtyBytes(), 0u);
  EXPECT_GE(supply_.FreeBytes(), kBytes);
  const PageSupply::Grant grant = supply_.Allocate(kBytes);
  EXPECT_TRUE(grant.zeroed());
  EXPECT_TRUE(IsZero(Pointer(grant.begin), kBytes));
}

TEST_F(PageSupplyTest, WhatIsFreeThroughoutAPeriodIsNotNeeded) {
  const uintptr_t begin = Used(kBytes);
  supply_.BeginDecay();
  supply_.Free(begin, kBytes);
  EXPECT_EQ(supply_.BeginDecay(), 0u);
  EXPECT_EQ(supply_.BeginDecay(), kBytes);
  EXPECT_EQ(supply_.Purge(kBytes), kBytes);
  EXPECT_EQ(ResidentPages(begin, kBytes), 0u);
  EXPECT_EQ(supply_.BeginDecay(), 0u);
}

// Of memory that comes and goes, what was needed in the period stays.
TEST_F(PageSupplyTest, WhatWasNeededInThePeriodIsNotAmongIt) {
  constexpr size_t kUnits = 10;
  const uintptr_t begin = Used(kUnits * kBytes);
  supply_.Free(begin, kUnits * kBytes);
  supply_.BeginDecay();
  const uintptr_t again = supply_.Allocate(4 * kBytes).begin;
  supply_.Free(again, 4 * kBytes);
  EXPECT_EQ(supply_.BeginDecay(), 6 * kBytes);
  EXPECT_EQ(supply_.Purge(6 * kBytes), 6 * kBytes);
  EXPECT_EQ(supply_.DirtyBytes(), 4 * kBytes);
  EXPECT_EQ(ResidentPages(begin, kUnits * kBytes), 4 * kBytes / KernelPage());
}

TEST_F(PageSupplyTest, GivesBackAsMuchAsIsAskedForFromTheLongestRange) {
  const uintptr_t all = Used(20 * kBytes);
  supply_.Free(all, 3 * kBytes);
  supply_.Free(all + 10 * kBytes, 5 * kBytes);
  EXPECT_EQ(supply_.Purge(2 * kBytes), 2 * kBytes);
  EXPECT_EQ(supply_.DirtyBytes(), 6 * kBytes);
  EXPECT_EQ(ResidentPages(all, 3 * kBytes), 3 * kBytes / KernelPage());
  EXPECT_EQ(ResidentPages(all + 10 * kBytes, 5 * kBytes), 3 * kBytes / KernelPage());
  EXPECT_EQ(supply_.Purge(100 * kBytes), 6 * kBytes);
  EXPECT_EQ(supply_.Purge(kBytes), 0u);
}

// ---- Where it is asked for ----

TEST_F(PageSupplyTest, TakesWhatIsFreeRightThere) {
  const uintptr_t all = Used(20 * kBytes);
  supply_.Free(all + 2 * kBytes, 4 * kBytes);
  EXPECT_FALSE(supply_.AllocateAt(all + 2 * kBytes, 5 * kBytes)) << "not all of it is free";
  EXPECT_FALSE(supply_.AllocateAt(all + kBytes, kBytes)) << "in use";
  EXPECT_EQ(supply_.DirtyBytes(), 4 * kBytes);
  EXPECT_TRUE(supply_.AllocateAt(all + 2 * kBytes, 3 * kBytes));
  EXPECT_EQ(supply_.DirtyBytes(), kBytes);
  EXPECT_FALSE(supply_.AllocateAt(all + 2 * kBytes, kBytes)) << "in use now";
  EXPECT_EQ(supply_.Allocate(kBytes).begin, all + 5 * kBytes);
}

TEST_F(PageSupplyTest, TakesWhatWasNeverUsedRightThere) {
  const uintptr_t begin = Used(kBytes);
  const size_t free = supply_.FreeBytes();
  EXPECT_TRUE(supply_.AllocateAt(begin + kBytes, kBytes));
  EXPECT_EQ(supply_.FreeBytes(), free - kBytes);
  EXPECT_TRUE(IsZero(Pointer(begin + kBytes), kBytes));
}

TEST_F(PageSupplyTest, AlignedMemoryIsAlignedAndTheRestOfItStaysFree) {
  std::vector<Interval> used;
  Used(3 * KernelPage());  // so that what follows is not aligned by chance
  for (size_t alignment = 1; alignment <= 4 * kMiB; alignment *= 4) {
    const size_t mapped = os::g_chunks.mapped();
    const size_t free = supply_.FreeBytes();
    const PageSupply::Grant grant = supply_.AllocateAligned(kBytes, alignment);
    ASSERT_NE(grant.begin, 0u);
    EXPECT_EQ(grant.begin % alignment, 0u);
    EXPECT_EQ(supply_.FreeBytes(), free - kBytes + os::g_chunks.mapped() - mapped) << alignment;
    EXPECT_TRUE(!grant.zeroed() || IsZero(Pointer(grant.begin), kBytes));
    memset(Pointer(grant.begin), 0x5a, kBytes);
    used.push_back({grant.begin, grant.begin + kBytes});
  }
  for (const Interval& range : used) supply_.Free(range.begin, range.length());
  EXPECT_EQ(supply_.AllocateAligned(kBytes, size_t{1} << 62).begin, 0u);
}

// ---- What was touched of a range ----

TEST_F(PageSupplyTest, OnlyItsTouchedFrontIsDirty) {
  const uintptr_t begin = supply_.Allocate(4 * kBytes).begin;
  memset(Pointer(begin), 0x5a, kBytes);
  supply_.Free(begin, 4 * kBytes, kBytes);
  EXPECT_EQ(supply_.DirtyBytes(), kBytes);
  EXPECT_EQ(supply_.Allocate(kBytes).begin, begin);
  const PageSupply::Grant rest = supply_.Allocate(3 * kBytes);
  EXPECT_TRUE(rest.zeroed());
  EXPECT_TRUE(IsZero(Pointer(rest.begin), 3 * kBytes));
}

// Else what is free would soon be in pieces.
TEST_F(PageSupplyTest, ARangeThatWasPartlyTouchedStaysWhole) {
  const uintptr_t begin = Used(4 * kBytes);
  supply_.Free(begin, 4 * kBytes, 3 * kBytes);
  EXPECT_EQ(supply_.DirtyBytes(), 3 * kBytes);
  EXPECT_EQ(supply_.DirtyRanges(), 1u);
  EXPECT_TRUE(supply_.AllocateAt(begin, 4 * kBytes));
  EXPECT_EQ(supply_.DirtyBytes(), 0u);
}

TEST_F(PageSupplyTest, ChunksThatAreFreeCanBeReleased) {
  const size_t before = os::g_chunks.mapped();
  const uintptr_t begin = Used(24 * kMiB);
  supply_.Free(begin, 24 * kMiB);
  EXPECT_TRUE(supply_.ReleaseChunks());
  EXPECT_LE(os::g_chunks.mapped(), before + 2 * os::kChunkGranule);
  EXPECT_FALSE(test::IsReadable(begin + 12 * kMiB));
  EXPECT_FALSE(supply_.ReleaseChunks());
  // And it goes on.
  EXPECT_TRUE(supply_.Allocate(kBytes).begin != 0);
}

TEST_F(PageSupplyTest, LockedMemoryStaysDirty) {
  const uintptr_t begin = Used(kBytes);
  if (!test::SetLocked(begin, kBytes, true)) GTEST_SKIP() << "memory cannot be locked here";
  supply_.Free(begin, kBytes);
  EXPECT_FALSE(supply_.PurgeAll());
  EXPECT_EQ(supply_.DirtyBytes(), kBytes);
  test::SetLocked(begin, kBytes, false);
  EXPECT_TRUE(supply_.PurgeAll());
}

TEST_F(PageSupplyTest, TheImpossibleIsRefusedAndNothingIsLost) {
  const size_t before = supply_.FreeBytes();
  EXPECT_EQ(supply_.Allocate(size_t{1} << 60).begin, 0u);
  EXPECT_EQ(supply_.FreeBytes(), before);
}

// Whatever comes and goes: nothing overlaps, nothing is lost, what is called zero is.
TEST_F(PageSupplyTest, RandomUse) {
  std::mt19937_64 random(3);
  const size_t elsewhere = os::g_chunks.mapped();
  std::vector<Interval> used;
  size_t used_bytes = 0;
  for (int i = 0; i < 20000; ++i) {
    if (used.empty() || (used.size() < 200 && random() % 2 == 0)) {
      const size_t bytes = (1 + random() % 40) * KernelPage();
      const PageSupply::Grant grant = supply_.Allocate(bytes);
      ASSERT_NE(grant.begin, 0u);
      const uint64_t* words = static_cast<uint64_t*>(Pointer(grant.begin));
      ASSERT_LE(grant.touched, bytes);
      for (size_t at = grant.touched; at < bytes; at += KernelPage()) ASSERT_EQ(words[at / 8], 0u);
      for (size_t o = 0; o < bytes; o += KernelPage())
        memcpy(Pointer(grant.begin + o), &grant.begin, 8);
      used.push_back({grant.begin, grant.begin + bytes});
      used_bytes += bytes;
    } else {
      std::swap(used[random() % used.size()], used.back());
      const Interval range = used.back();
      used.pop_back();
      used_bytes -= range.length();
      for (uintptr_t p = range.begin; p < range.end; p += KernelPage()) {
        ASSERT_EQ(memcmp(Pointer(p), &range.begin, 8), 0);
      }
      supply_.Free(range.begin, range.length());
    }
    if (i % 1000 == 0) supply_.Purge(supply_.BeginDecay());
    if (i % 5000 == 0) supply_.PurgeAll();
  }
  EXPECT_EQ(used_bytes + supply_.FreeBytes(), os::g_chunks.mapped() - elsewhere);
}

}  // namespace
}  // namespace mymalloc
