#include "mymalloc/os/arena.h"

#include <sys/resource.h>

#include <cstring>

#include "gtest/gtest.h"
#include "tests/support/block.h"

namespace mymalloc::os {
namespace {

void* Pointer(uintptr_t address) { return reinterpret_cast<void*>(address); }

// What the fast path reads of the arena is not in the object: each test begins anew.
class ArenaTest : public testing::Test {
 protected:
  ArenaTest() {
    g_arena_base = 0;
    g_arena_granules = 0;
  }
};

TEST_F(ArenaTest, HasNothingBeforeInit) {
  const Arena arena;
  EXPECT_EQ(arena.UsableBytes(), 0u);
  for (const uintptr_t p : {uintptr_t{0}, uintptr_t{16}, uintptr_t{0x7fffffff0000}}) {
    EXPECT_FALSE(HasReadableTag(p));
  }
}

TEST_F(ArenaTest, GrowsFromTheBottomUp) {
  Arena arena;
  arena.Init(/*constrained=*/false, /*tags_readable=*/true);
  uintptr_t expected = g_arena_base;
  for (const size_t bytes : {kOsPage, 3 * kOsPage, 2 * kMiB, 100 * kMiB, kOsPage}) {
    size_t granted = 0;
    const uintptr_t begin = arena.Grow(bytes, &granted);
    ASSERT_EQ(begin, expected);
    ASSERT_GE(granted, bytes);
    ASSERT_EQ(granted % kOsPage, 0u);
    EXPECT_EQ(*static_cast<char*>(Pointer(begin)), 0);
    memset(Pointer(begin), 1, kOsPage);
    EXPECT_EQ(*static_cast<char*>(Pointer(begin + granted - 1)), 0);
    expected += granted;
    EXPECT_EQ(arena.UsableBytes(), expected - g_arena_base);
  }
}

TEST_F(ArenaTest, GrowsByLargerStepsAsItGrows) {
  Arena arena;
  arena.Init(/*constrained=*/false, /*tags_readable=*/true);
  size_t granted = 0;
  arena.Grow(kOsPage, &granted);
  EXPECT_LE(granted, kMiB);
  arena.Grow(kGiB, &granted);
  arena.Grow(kOsPage, &granted);
  EXPECT_GE(granted, 64 * kMiB);
  EXPECT_LE(granted, 256 * kMiB);
}

TEST_F(ArenaTest, KnowsWhatCanBeRead) {
  Arena arena;
  arena.Init(/*constrained=*/false, /*tags_readable=*/true);
  EXPECT_FALSE(HasReadableTag(g_arena_base));
  size_t granted = 0;
  const uintptr_t begin = arena.Grow(kMiB, &granted);
  const uintptr_t end = begin + granted;
  // The tag of a pointer to the very start lies before it.
  EXPECT_TRUE(HasReadableTag(begin));
  EXPECT_EQ(*static_cast<uint64_t*>(Pointer(begin - 8)), 0u);
  EXPECT_TRUE(HasReadableTag(end - kGranule));
  EXPECT_FALSE(HasReadableTag(end));
  EXPECT_FALSE(HasReadableTag(begin - kGranule));
  for (uintptr_t off = 1; off < kGranule; ++off) {
    EXPECT_FALSE(HasReadableTag(begin + off)) << off;
    EXPECT_FALSE(HasReadableTag(end - off)) << off;
  }
  for (const uintptr_t p : {uintptr_t{0}, uintptr_t{16}, ~uintptr_t{15}, uintptr_t{1} << 63}) {
    EXPECT_FALSE(HasReadableTag(p)) << p;
  }
}

TEST_F(ArenaTest, ConstrainedGrowsBySmallStepsAndThenElsewhere) {
  Arena arena;
  arena.Init(/*constrained=*/true, /*tags_readable=*/true);
  EXPECT_TRUE(arena.constrained());
  size_t total = 0;
  size_t here = 0;
  for (int i = 0; i < 40; ++i) {
    size_t granted = 0;
    const uintptr_t begin = arena.Grow(kMiB, &granted);
    ASSERT_NE(begin, 0u);
    ASSERT_GE(granted, kMiB);
    ASSERT_LE(granted, 4 * kMiB);
    memset(Pointer(begin), 1, granted);
    total += granted;
    if (HasReadableTag(begin)) here += granted;
  }
  EXPECT_EQ(arena.UsableBytes(), total);
  EXPECT_GT(here, 16 * kMiB);
  EXPECT_LE(here, 32 * kMiB);
}

TEST_F(ArenaTest, AChunkElsewhereHasNoReadableTags) {
  Arena arena;
  arena.Init(/*constrained=*/true, /*tags_readable=*/true);
  size_t granted = 0;
  const uintptr_t begin = arena.Grow(64 * kMiB, &granted);  // more than is reserved
  ASSERT_NE(begin, 0u);
  EXPECT_EQ(granted, 64 * kMiB);
  EXPECT_FALSE(HasReadableTag(begin + kOsPage));
  EXPECT_TRUE(test::IsZero(Pointer(begin), kMiB));
}

TEST_F(ArenaTest, RefusesTheImpossible) {
  Arena arena;
  arena.Init(/*constrained=*/false, /*tags_readable=*/true);
  size_t granted = 0;
  EXPECT_EQ(arena.Grow(size_t{1} << 60, &granted), 0u);
  EXPECT_EQ(arena.UsableBytes(), 0u);
  EXPECT_NE(arena.Grow(kOsPage, &granted), 0u);
}

// In a process of its own, for it cannot be undone.
void LimitThenGrow() {
  const rlimit limit = {512 * kMiB, 512 * kMiB};
  if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
  if (!AddressSpaceIsScarce()) _exit(3);
  Arena arena;
  arena.Init(/*constrained=*/true, /*tags_readable=*/true);
  size_t total = 0;
  for (size_t granted = 0; arena.Grow(kMiB, &granted) != 0;) total += granted;
  _exit(total >= 300 * kMiB && total <= 512 * kMiB ? 0 : 4);
}

TEST(ArenaDeathTest, WorksUnderALimitAndUsesMostOfIt) {
#if defined(MYMALLOC_SANITIZED)
  GTEST_SKIP() << "the sanitizers' shadow is beyond any limit";
#endif
  EXPECT_EXIT(LimitThenGrow(), testing::ExitedWithCode(0), "");
}

void LimitThenInitUnconstrained() {
  const rlimit limit = {512 * kMiB, 512 * kMiB};
  if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
  Arena arena;
  arena.Init(/*constrained=*/false, /*tags_readable=*/true);
  size_t granted = 0;
  _exit(arena.Grow(kMiB, &granted) != 0 ? 0 : 4);
}

TEST(ArenaDeathTest, MakesDoWithASmallerReservation) {
#if defined(MYMALLOC_SANITIZED)
  GTEST_SKIP() << "the sanitizers' shadow is beyond any limit";
#endif
  EXPECT_EXIT(LimitThenInitUnconstrained(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mymalloc::os
