#include "mymalloc/os/metadata.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "mymalloc/base/units.h"
#include "tests/support/block.h"
#include "tests/support/residency.h"

namespace mymalloc::os {
namespace {

TEST(MetadataTest, BlocksAreZeroAlignedAndApart) {
  std::vector<std::pair<uintptr_t, uintptr_t>> blocks;
  for (size_t i = 0; i < 3000; ++i) {
    const size_t bytes = i % 100 == 0 ? 50000 : 1 + i % 300;
    void* const block = AllocateMetadata(bytes);
    ASSERT_NE(block, nullptr);
    ASSERT_TRUE(test::IsAligned(block, 64));
    ASSERT_TRUE(test::IsZero(block, bytes));
    memset(block, 0xff, bytes);
    const uintptr_t begin = reinterpret_cast<uintptr_t>(block);
    blocks.emplace_back(begin, begin + bytes);
  }
  std::sort(blocks.begin(), blocks.end());
  for (size_t i = 1; i < blocks.size(); ++i) ASSERT_LE(blocks[i - 1].second, blocks[i].first);
}

TEST(MetadataTest, ABlockLargerThanAnyChunkHasItsOwn) {
  void* const block = AllocateMetadata(5 * kMiB);
  ASSERT_NE(block, nullptr);
  EXPECT_TRUE(test::IsZero(block, 5 * kMiB));
}

// What is mapped ahead is no more than there is already.
TEST(MetadataTest, CountsWhatItMapped) {
  const size_t before = MetadataBytes();
  AllocateMetadata(3 * kMiB);
  const size_t after = MetadataBytes();
  EXPECT_GE(after, before + 3 * kMiB);
  EXPECT_LE(after, before + std::max(before, 3 * kMiB + KernelPage()));
}

// An overrun of whatever lies beside it, of any length, faults before it gets there.
TEST(MetadataTest, PagesBesideItCannotBeTouched) {
  constexpr size_t kHead = 64;                  // what each range begins with
  constexpr size_t kBytes = 20 * kMiB - kHead;  // more than any range that is mapped ahead
  for (uint64_t random = 0; random < 4; ++random) {
    SetMetadataRandom(random);
    const uintptr_t begin = reinterpret_cast<uintptr_t>(AllocateMetadata(kBytes));
    ASSERT_NE(begin, 0u);
    for (size_t off = 0; off < 4 * KernelPage(); off += KernelPage()) {
      EXPECT_FALSE(test::IsReadable(begin - kHead - 1 - off));
      EXPECT_FALSE(test::IsReadable(begin + kBytes + off));
    }
    EXPECT_TRUE(test::IsReadable(begin));
    EXPECT_TRUE(test::IsReadable(begin + kBytes - 1));
  }
}

TEST(MetadataTest, IsFoundWithItsGuards) {
  constexpr size_t kBytes = 20 * kMiB;
  const uintptr_t begin = reinterpret_cast<uintptr_t>(AllocateMetadata(kBytes));
  ASSERT_NE(begin, 0u);
  Interval range;
  bool guard = true;
  for (const uintptr_t at : {begin, begin + kBytes - 1}) {
    ASSERT_TRUE(FindMetadata(at, &range, &guard));
    EXPECT_FALSE(guard);
    EXPECT_TRUE(range.Contains(begin) && range.Contains(begin + kBytes - 1));
  }
  ASSERT_TRUE(FindMetadata(range.begin - 1, &range, &guard));
  EXPECT_TRUE(guard);
  EXPECT_EQ(range.length(), 4 * KernelPage());
  EXPECT_FALSE(FindMetadata(range.begin - 1, &range, &guard));
  EXPECT_FALSE(FindMetadata(reinterpret_cast<uintptr_t>(&range), &range, &guard));
}

// Processes that are alike but for the random number have it elsewhere.
TEST(MetadataTest, LiesWhereTheRandomNumberSays) {
#if defined(MYMALLOC_SANITIZED)
  GTEST_SKIP() << "the sanitizers' shadow is where it would be";
#endif
  for (const auto resource : {RLIMIT_AS, RLIMIT_DATA}) {
    rlimit most;
    ASSERT_EQ(getrlimit(resource, &most), 0);
    if (most.rlim_cur != RLIM_INFINITY) GTEST_SKIP() << "20 such blocks may be too much";
  }
  constexpr size_t kBytes = 20 * kMiB;
  std::set<uintptr_t> places;
  for (uint64_t i = 1; i <= 20; ++i) {
    SetMetadataRandom(i * 0x9e3779b97f4a7c15);
    places.insert(reinterpret_cast<uintptr_t>(AllocateMetadata(kBytes)));
  }
  EXPECT_EQ(places.size(), 20u);
  EXPECT_GE(*places.rbegin() - *places.begin(), 16 * kGiB);
  uintptr_t before = 0;
  size_t apart = 0;
  for (const uintptr_t place : places) {
    apart += place - before >= 2 * kBytes ? 1 : 0;
    before = place;
  }
  EXPECT_GE(apart, 15u);
}

TEST(MetadataTest, RefusesTheImpossible) { EXPECT_EQ(AllocateMetadata(size_t{1} << 60), nullptr); }

TEST(MetadataTest, ThreadsGetBlocksOfTheirOwn) {
  constexpr int kThreads = 4;
  std::vector<void*> blocks[kThreads];
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (auto& mine : blocks) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < 2000; ++i) mine.push_back(AllocateMetadata(64));
    });
  }
  std::set<void*> all;
  for (int i = 0; i < kThreads; ++i) {
    threads[static_cast<size_t>(i)].join();
    all.insert(blocks[i].begin(), blocks[i].end());
  }
  EXPECT_EQ(all.size(), size_t{kThreads} * 2000);
}

TEST(PoolTest, ReusesWhatWasFreed) {
  Pool<128> pool;
  std::set<void*> blocks;
  for (int i = 0; i < 100; ++i) blocks.insert(pool.Allocate());
  ASSERT_EQ(blocks.size(), 100u);
  for (void* block : blocks) pool.Free(block);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(blocks.count(pool.Allocate()), 1u);
  EXPECT_EQ(blocks.count(pool.Allocate()), 0u);
}

TEST(PoolTest, WhatIsReservedNeedsNoMoreMemory) {
  Pool<kMiB> pool;
  ASSERT_TRUE(pool.Reserve(8));
  const size_t before = MetadataBytes();
  std::set<void*> blocks;
  for (int i = 0; i < 8; ++i) blocks.insert(pool.Allocate());
  EXPECT_EQ(blocks.size(), 8u);
  EXPECT_EQ(blocks.count(nullptr), 0u);
  EXPECT_EQ(MetadataBytes(), before);
  for (void* block : blocks) pool.Free(block);
  ASSERT_TRUE(pool.Reserve(8));
  EXPECT_EQ(MetadataBytes(), before);
}

}  // namespace
}  // namespace mymalloc::os
