#include "mymalloc/supply/page_map.h"

#include <vector>

#include "gtest/gtest.h"
#include "mymalloc/base/lock.h"
#include "mymalloc/large/large.h"
#include "mymalloc/os/memory.h"
#include "tests/support/block.h"

namespace mymalloc {
namespace {

LargeBlock g_large[3];
alignas(64) char g_page_memory[sizeof(PageHeader)];
PageHeader* const g_page = reinterpret_cast<PageHeader*>(g_page_memory);

class PageMapTest : public testing::Test {
 protected:
  ~PageMapTest() override { EXPECT_STREQ(map_.Verify(), nullptr); }

  // The large block at an address; null if it has none.
  LargeBlock* LargeAt(uintptr_t address) {
    Interval range;
    Owner owner;
    return map_.Find(address, &range, &owner) ? owner.large() : nullptr;
  }

  PageMap map_;
};

TEST_F(PageMapTest, OwnersAreToldApart) {
  EXPECT_EQ(Owner().page(), nullptr);
  EXPECT_EQ(Owner(g_page).page(), g_page);
  EXPECT_EQ(Owner(g_page).large(), nullptr);
  EXPECT_EQ(Owner(&g_large[0]).large(), &g_large[0]);
  EXPECT_EQ(Owner(&g_large[0]).page(), nullptr);
}

TEST_F(PageMapTest, FindsEveryAddressOfARangeAndNoOther) {
  ASSERT_TRUE(map_.Insert({0x10000, 0x20000}, Owner(&g_large[0])));
  ASSERT_TRUE(map_.Insert({0x20000, 0x21000}, Owner(g_page)));
  EXPECT_EQ(LargeAt(0xffff), nullptr);
  EXPECT_EQ(LargeAt(0x10000), &g_large[0]);
  EXPECT_EQ(LargeAt(0x1ffff), &g_large[0]);
  Interval range;
  Owner owner;
  ASSERT_TRUE(map_.Find(0x20fff, &range, &owner));
  EXPECT_EQ(range, (Interval{0x20000, 0x21000}));
  EXPECT_EQ(owner.page(), g_page);
  EXPECT_FALSE(map_.Find(0x21000, &range, &owner));
  map_.Erase(0x10000);
  EXPECT_EQ(LargeAt(0x18000), nullptr);
}

TEST_F(PageMapTest, RefusesWhatOverlaps) {
  ASSERT_TRUE(map_.Insert({0x10000, 0x20000}, Owner(&g_large[0])));
  EXPECT_FALSE(map_.Insert({0x1f000, 0x21000}, Owner(&g_large[1])));
  EXPECT_FALSE(map_.Insert({0x10000, 0x20000}, Owner(&g_large[1])));
  EXPECT_EQ(LargeAt(0x1f000), &g_large[0]);
}

TEST_F(PageMapTest, Resizes) {
  map_.Insert({0x10000, 0x20000}, Owner(&g_large[0]));
  map_.Resize({0x10000, 0x20000}, 0x30000);
  EXPECT_EQ(LargeAt(0x2ffff), &g_large[0]);
  map_.Resize({0x10000, 0x30000}, 0x11000);
  EXPECT_EQ(LargeAt(0x10fff), &g_large[0]);
  EXPECT_EQ(LargeAt(0x11000), nullptr);
}

TEST_F(PageMapTest, MovesAMappingAndItsRange) {
  constexpr size_t kBytes = 4 * KernelPage();
  const uintptr_t begin = os::Map(kBytes);
  ASSERT_NE(begin, 0u);
  test::FillPattern(reinterpret_cast<void*>(begin), kBytes, 1);
  ASSERT_TRUE(map_.Insert({begin, begin + kBytes}, Owner(&g_large[0])));
  const uintptr_t moved = map_.Move({begin, begin + kBytes}, 100 * kBytes);
  ASSERT_NE(moved, 0u);
  EXPECT_TRUE(test::MatchesPattern(reinterpret_cast<void*>(moved), kBytes, 1));
  EXPECT_EQ(LargeAt(moved + 100 * kBytes - 1), &g_large[0]);
  EXPECT_TRUE(moved == begin || LargeAt(begin) == nullptr);
  // The impossible changes nothing.
  EXPECT_EQ(map_.Move({moved, moved + 100 * kBytes}, size_t{1} << 60), 0u);
  EXPECT_EQ(LargeAt(moved), &g_large[0]);
  os::Unmap(Interval::From(moved, 100 * kBytes));
}

// Whoever holds the lock: if this fails, it waits for itself until the test runs out of time.
TEST_F(PageMapTest, FindsWithoutTheLock) {
#if defined(MYMALLOC_SANITIZED)
  GTEST_SKIP() << "lookups take the lock";
#endif
  ASSERT_TRUE(map_.Insert({0x10000, 0x20000}, Owner(&g_large[0])));
  LockHolder holder(map_.lock());
  EXPECT_EQ(LargeAt(0x10000), &g_large[0]);
  EXPECT_EQ(LargeAt(0x20000), nullptr);
}

TEST_F(PageMapTest, VisitsAllInOrder) {
  constexpr uintptr_t kCount = 1000;  // many batches
  for (uintptr_t i = kCount; i > 0; --i) {
    ASSERT_TRUE(map_.Insert({i * 0x10000, i * 0x10000 + 0x8000}, Owner(&g_large[i % 3])));
  }
  uintptr_t expected = 1;
  map_.ForEach([&](Interval range, Owner owner) {
    EXPECT_EQ(range.begin, expected * 0x10000);
    EXPECT_EQ(owner.large(), &g_large[expected % 3]);
    ++expected;
  });
  EXPECT_EQ(expected, kCount + 1);
}

// A visitor may change the map: it holds no lock meanwhile.
TEST_F(PageMapTest, AVisitorMayErase) {
  for (uintptr_t i = 1; i <= 500; ++i) {
    map_.Insert({i * 0x10000, i * 0x10000 + 0x8000}, Owner(&g_large[0]));
  }
  map_.ForEach([&](Interval range, Owner) { map_.Erase(range.begin); });
  map_.ForEach([&](Interval, Owner) { ADD_FAILURE(); });
}

}  // namespace
}  // namespace mymalloc
