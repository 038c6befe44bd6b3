// os_realloc, of the library itself.

#include <errno.h>
#include <string.h>

#include "tests/osmem/mappings.h"
#include "tests/osmem/osmem_fixture.h"

namespace mymalloc::test {
namespace {

TEST_F(OsmemTest, ReallocOfNothingIsMallocAndToNothingIsFree) {
  void* const block = os_realloc(nullptr, 100);
  ASSERT_TRUE(IsInHeap(block));
  EXPECT_EQ(os_realloc(block, 0), nullptr);
  EXPECT_FALSE(IsLive(block));
  EXPECT_EQ(os_realloc(nullptr, 0), nullptr);
  void* const mapped = os_realloc(nullptr, kMiB);
  ASSERT_TRUE(IsMapped(mapped));
  EXPECT_EQ(os_realloc(mapped, 0), nullptr);
  EXPECT_EQ(MappedBytes(PageOf(mapped), kPage), 0u);
}

TEST_F(OsmemTest, AFreeBlockIsNotReallocated) {
  for (const size_t n : {size_t{100}, size_t{50000}, kMiB}) {
    void* const block = os_malloc(n);
    os_free(block);
    EXPECT_EQ(os_realloc(block, 10), nullptr);
    EXPECT_EQ(os_realloc(block, 2 * n), nullptr);
    EXPECT_FALSE(IsLive(block));
  }
  EXPECT_EQ(reports_, 0);
}

TEST_F(OsmemTest, GrowsInPlaceOverFreeSlotsBehind) {
  const auto [block, middle, behind] = SideBySide<3>({1, 3, 1});
  os_free(middle);
  for (size_t slots = 2; slots <= 4; ++slots) {
    // No slot more than it needs.
    EXPECT_EQ(os_realloc(block, slots * kSlot - kTag), block);
    EXPECT_EQ(SlotsOf(block), slots);
    EXPECT_EQ(IsLive(block + slots * kSlot), slots == 4);
  }
  EXPECT_TRUE(MatchesPattern(block, kSlot - kTag, 0));
  memset(block, 1, 4 * kSlot - kTag);
  EXPECT_TRUE(MatchesPattern(behind, kSlot - kTag, 2));
  os_free(block);
  os_free(behind);
}

TEST_F(OsmemTest, GrowsInPlaceOverWhatWasNeverUsed) {
  char* const block = static_cast<char*>(os_malloc(kLongestInHeap / 4));
  EXPECT_EQ(os_realloc(block, kLongestInHeap / 2), block);
  EXPECT_EQ(os_realloc(block, kLongestInHeap), block);
  memset(block, 1, kLongestInHeap);
  os_free(block);
}

TEST_F(OsmemTest, MovesWhereABlockIsBehind) {
  const auto [block, behind] = SideBySide<2>({2, 1});
  char* const moved = static_cast<char*>(os_realloc(block, 10 * kSlot));
  EXPECT_NE(moved, block);
  EXPECT_TRUE(MatchesPattern(moved, 2 * kSlot - kTag, 0));
  EXPECT_FALSE(IsLive(block));
  EXPECT_TRUE(MatchesPattern(behind, kSlot - kTag, 1));
  os_free(moved);
  os_free(behind);
}

// All that the heap may have is taken.
class NoMemory {
 public:
  NoMemory() {
    mymalloc_set_hard_limit(1);
    for (size_t n = kLongestInHeap; n >= 8; n /= 2) {
      while (void* const block = os_malloc(n)) *Next() = block;
    }
  }
  ~NoMemory() {
    mymalloc_set_hard_limit(0);
    for (size_t i = 0; i < count_; ++i) os_free(taken_[i]);
  }
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;

 private:
  void** Next() {
    EXPECT_LT(count_, taken_.size());
    return &taken_.at(count_++);
  }

  std::array<void*, 4096> taken_;
  size_t count_ = 0;
};

TEST_F(OsmemTest, KeepsTheSlotsThatItTookAlsoWhereTheyDoNotSuffice) {
  const auto [block, middle, behind] = SideBySide<3>({1, 3, 1});
  {
    const NoMemory none;
    os_free(middle);
    errno = 0;
    EXPECT_EQ(os_realloc(block, 6 * kSlot), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    EXPECT_EQ(SlotsOf(block), 4u);
    EXPECT_TRUE(IsLive(block + 2 * kSlot));
    EXPECT_TRUE(MatchesPattern(block, kSlot - kTag, 0));
    // Nobody else gets them, and the block need not take them anew.
    EXPECT_EQ(os_malloc(1), nullptr);
    EXPECT_EQ(os_realloc(block, 4 * kSlot - kTag), block);
    memset(block, 1, 4 * kSlot - kTag);
  }
  EXPECT_TRUE(MatchesPattern(behind, kSlot - kTag, 2));
  os_free(block);
  os_free(behind);
}

TEST_F(OsmemTest, ShrinksWhereItIsAndTheRestIsFree) {
  const auto [block, behind] = SideBySide<2>({10, 1});
  EXPECT_EQ(os_realloc(block, 3 * kSlot - kTag), block);
  EXPECT_EQ(SlotsOf(block), 3u);
  EXPECT_TRUE(MatchesPattern(block, 3 * kSlot - kTag, 0));
  EXPECT_FALSE(IsLive(block + 3 * kSlot));
  EXPECT_EQ(os_malloc(7 * kSlot - kTag), block + 3 * kSlot);
  EXPECT_EQ(os_realloc(block, 1), block);
  EXPECT_EQ(SlotsOf(block), 1u);
  os_free(block + 3 * kSlot);
  os_free(block);
  os_free(behind);
}

TEST_F(OsmemTest, GoesFromTheHeapToAMappingAndBack) {
  char* const block = static_cast<char*>(os_malloc(kLongestInHeap));
  FillPattern(block, kLongestInHeap, 1);
  char* const mapped = static_cast<char*>(os_realloc(block, kLongestInHeap + 1));
  EXPECT_TRUE(IsMapped(mapped));
  EXPECT_FALSE(IsLive(block));
  EXPECT_TRUE(MatchesPattern(mapped, kLongestInHeap, 1));
  char* const back = static_cast<char*>(os_realloc(mapped, 1000));
  EXPECT_TRUE(IsInHeap(back));
  EXPECT_EQ(MappedBytes(PageOf(mapped), MappingFor(kLongestInHeap + 1)), 0u);
  EXPECT_TRUE(MatchesPattern(back, 1000, 1));
  os_free(back);
}

TEST_F(OsmemTest, AMappingIsMadeLongerAndShorterExactly) {
  os_free(os_malloc(MMAP_THRESHOLD));
  const size_t before = MappedBytes();
  char* block = static_cast<char*>(os_malloc(MMAP_THRESHOLD));
  FillPattern(block, MMAP_THRESHOLD, 1);
  for (const size_t n : {kMiB, 20 * kMiB, 20 * kMiB + 1, 19 * kMiB, kMiB, size_t{MMAP_THRESHOLD}}) {
    block = static_cast<char*>(os_realloc(block, n));
    ASSERT_TRUE(IsMapped(block));
    EXPECT_EQ(MappedBytes() - before, MappingFor(n)) << n;
    EXPECT_TRUE(MatchesPattern(block, MMAP_THRESHOLD, 1)) << n;
    block[n - 1] = block[MMAP_THRESHOLD - 1];
  }
  os_free(block);
  EXPECT_EQ(MappedBytes(), before);
}

}  // namespace
}  // namespace mymalloc::test
