// The large blocks freed last, which are kept as they are for the next of the same size.

#include "mymalloc/heap/kept_large.h"

#include <algorithm>
#include <vector>

#include "mymalloc/front/front.h"
#include "mymalloc/heap/inspector.h"
#include "mymalloc/heap/totals.h"
#include "tests/heap/engine.h"
#include "tests/heap/faults.h"

namespace mymalloc {
namespace {

using test::Pointer;

constexpr size_t kSize = 64 * kKiB;

class KeptLargeTest : public test::EngineTest {
 protected:
  static LargeBlock* RecordOf(uintptr_t address) {
    Interval range;
    Owner owner;
    return g_page_map.Find(address, &range, &owner) ? owner.large() : nullptr;
  }
  static bool IsKept(uintptr_t block) {
    const LargeBlock* const large = RecordOf(block);
    return large != nullptr && !large->live;
  }
  static uintptr_t Allocate(size_t n, size_t alignment = kGranule) {
    bool zeroed = false;
    return AllocateLarge(n, alignment, &zeroed);
  }
  static void Free(uintptr_t block) { EXPECT_TRUE(FreeLarge(RecordOf(block), block)); }
};

TEST_F(KeptLargeTest, TheNextOfItsSizeGetsItWithoutAnEdit) {
  const uintptr_t block = Allocate(kSize);
  const uint64_t edits = g_page_map.Version();
  const size_t live = g_totals.large_blocks.now();
  Free(block);
  EXPECT_TRUE(IsKept(block));
  EXPECT_FALSE(Tag::Of(block).live());
  EXPECT_EQ(g_totals.large_blocks.now(), live - 1);
  EXPECT_EQ(g_large_cache.Bytes(), RecordOf(block)->end - RecordOf(block)->begin);
  EXPECT_STREQ(VerifyHeap(), nullptr);
  // All sizes whose last byte lies in the same OS page.
  EXPECT_EQ(Allocate(kSize - 5), block);
  EXPECT_EQ(RecordOf(block)->requested, kSize - 5);
  EXPECT_TRUE(Tag::Of(block).live());
  EXPECT_EQ(g_totals.large_blocks.now(), live);
  EXPECT_EQ(g_large_cache.Bytes(), 0u);
  EXPECT_STREQ(VerifyHeap(), nullptr);
  EXPECT_EQ(g_page_map.Version(), edits);
  Free(block);
}

TEST_F(KeptLargeTest, AnotherSizeOrAlignmentDoesNot) {
  const uintptr_t block = Allocate(kSize);
  Free(block);
  for (const size_t n : {kSize - kOsPage, kSize + kOsPage}) {
    const uintptr_t other = Allocate(n);
    EXPECT_LT(RecordOf(other)->usable(), n + kOsPage);
    EXPECT_GE(RecordOf(other)->usable(), n);
  }
  const uintptr_t again = Allocate(kSize);
  Free(again);
  EXPECT_EQ(Allocate(kSize, 16 * kKiB) % (16 * kKiB), 0u);
}

TEST_F(KeptLargeTest, AnAlignedOneIsUsedAgainToo) {
  const uintptr_t block = Allocate(kSize, 64 * kKiB);
  Free(block);
  EXPECT_EQ(Allocate(kSize, 64 * kKiB), block);
  Free(block);
}

TEST_F(KeptLargeTest, AFewAreKeptTheOldestGo) {
  std::vector<uintptr_t> blocks;
  for (int i = 0; i < 40; ++i) blocks.push_back(Allocate(kSize));
  for (const uintptr_t block : blocks) Free(block);
  EXPECT_EQ(RecordOf(blocks.front()), nullptr);
  EXPECT_TRUE(IsKept(blocks.back()));
  EXPECT_EQ(std::count_if(blocks.begin(), blocks.end(), IsKept), 8);
  // The newest first: it is the warmest.
  EXPECT_EQ(Allocate(kSize), blocks.back());
  EXPECT_EQ(Allocate(kSize), blocks[blocks.size() - 2]);
}

TEST_F(KeptLargeTest, NoMoreThanTwoMebibytes) {
  const uintptr_t too_long = Allocate(2 * kMiB);
  Free(too_long);
  EXPECT_EQ(RecordOf(too_long), nullptr);
  std::vector<uintptr_t> blocks;
  for (const size_t n : {kMiB, kMiB / 2, kMiB, 3 * kMiB / 2}) blocks.push_back(Allocate(n));
  for (const uintptr_t block : blocks) Free(block);
  EXPECT_EQ(RecordOf(blocks[0]), nullptr);  // gone for the third
  EXPECT_TRUE(IsKept(blocks[1]));
  EXPECT_TRUE(IsKept(blocks[2]));
  EXPECT_EQ(RecordOf(blocks[3]), nullptr);  // one going would not have made room
}

TEST_F(KeptLargeTest, WhatTheCacheLacksIsTakenFromThem) {
  // Side by side, as they come from one range.
  const uintptr_t whole = Allocate(kMiB);
  LargeBlock* const large = RecordOf(whole);
  const Interval range = {large->begin, large->end};
  Free(whole);
  EXPECT_TRUE(g_large_cache.Decay());  // no longer kept, but cached
  EXPECT_EQ(RecordOf(whole), nullptr);
  std::vector<uintptr_t> parts;
  for (int i = 0; i < 8; ++i) parts.push_back(Allocate(kMiB / 8 - kOsPage));
  for (const uintptr_t part : parts) {
    EXPECT_TRUE(range.Contains(part));
    Free(part);
  }
  bool zeroed = true;
  EXPECT_EQ(AllocateLarge(kMiB, kGranule, &zeroed), whole);
  EXPECT_FALSE(zeroed);
  Free(whole);
}

TEST_F(KeptLargeTest, ABlockGrowsIntoOneBehindIt) {
  Free(Allocate(kMiB));
  g_large_cache.Decay();
  const uintptr_t first = Allocate(kSize);
  const uintptr_t second = Allocate(kSize);
  ASSERT_EQ(RecordOf(first)->end, RecordOf(second)->begin);
  Free(second);
  EXPECT_EQ(ResizeLarge(RecordOf(first), first, kSize + kOsPage), first);
  Free(first);
}

TEST_F(KeptLargeTest, TheirMemoryGoesBackAfterAWhile) {
  const uintptr_t block = Allocate(kSize);
  Free(block);
  g_large_cache.Decay();
  EXPECT_EQ(RecordOf(block), nullptr);
  EXPECT_FALSE(g_large_cache.Decay());
  EXPECT_EQ(g_large_cache.Bytes(), 0u);
  Free(Allocate(kSize));
  EXPECT_TRUE(g_large_cache.PurgeAll());
  EXPECT_EQ(g_large_cache.Bytes(), 0u);
}

TEST_F(KeptLargeTest, WhatIsToBeClearedOrHeldBackIsNotKept) {
  g_options.zero_on_free = true;
  const uintptr_t cleared = Allocate(kSize);
  Free(cleared);
  EXPECT_EQ(RecordOf(cleared), nullptr);
  g_options.zero_on_free = false;
  g_options.quarantine.value = 64 * kKiB;
  const uintptr_t held = Allocate(kSize);
  Free(held);
  EXPECT_EQ(RecordOf(held), nullptr);
  g_options.quarantine.value = 0;
  g_large_cache.PurgeAll();
}

// As by a thread that looked it up before another freed it.
TEST_F(KeptLargeTest, OneThatWasFreedIsNotResized) {
  const uintptr_t block = Allocate(kSize);
  LargeBlock* const large = RecordOf(block);
  Free(block);
  const size_t bytes = g_large_cache.Bytes();
  for (const size_t n : {kSize / 4, 2 * kSize, 100 * kMiB}) {
    EXPECT_EQ(ResizeLarge(large, block, n), 0u);
    EXPECT_STREQ(VerifyHeap(), nullptr);
  }
  EXPECT_GE(g_large_cache.Bytes(), bytes);  // what was there to grow into is still free
  g_large_cache.PurgeAll();
  EXPECT_EQ(g_large_cache.Bytes(), 0u);
}

TEST_F(KeptLargeTest, AnOldTagPutBackDoesNotMakeItLive) {
  const test::Faults faults;
  void* const block = mymalloc::Allocate(kSize);
  const uintptr_t address = test::Address(block);
  const Tag live = Tag::Of(address);
  mymalloc::Free(block);
  const Tag free = Tag::Of(address);
  live.WriteTo(address);
  mymalloc::Free(block);
  EXPECT_EQ(test::Faults::TakeOne().what, "double free");
  EXPECT_EQ(Reallocate(block, kSize / 2, "realloc"), nullptr);
  EXPECT_EQ(test::Faults::TakeOne().what, "double free");
  EXPECT_EQ(UsableSize(block, "malloc_usable_size"), 0u);
  EXPECT_EQ(test::Faults::TakeOne().what, "double free");
  free.WriteTo(address);
}

TEST_F(KeptLargeTest, APointerBehindItNamesAFreeBlock) {
  const test::Faults faults;
  void* const block = mymalloc::Allocate(kSize);
  const uintptr_t behind = RecordOf(test::Address(block))->end;
  mymalloc::Free(block);
  if (RecordOf(behind) != nullptr) GTEST_SKIP() << "something else lies there";
  mymalloc::Free(Pointer(behind));
  const test::Faults::Seen seen = test::Faults::TakeOne();
  EXPECT_EQ(seen.what, "invalid pointer");
  EXPECT_STREQ(seen.block.state, "free");
}

TEST_F(KeptLargeTest, TheVerifierSeesOneWhoseTagSaysLive) {
  const uintptr_t block = Allocate(kSize);
  Free(block);
  const Tag tag = Tag::Of(block);
  tag.Live().WriteTo(block);
  EXPECT_STREQ(VerifyHeap(), "a large block's tag and its record do not agree whether it is live");
  tag.WriteTo(block);
}

}  // namespace
}  // namespace mymalloc
