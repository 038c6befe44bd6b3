#include "mymalloc/heap/magazine.h"

#include <memory>
#include <set>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

// A block's stand-in: any multiple of 16 but 0.
constexpr uintptr_t Block(uintptr_t i) { return 16 * (i + 1); }

class MagazineTest : public testing::Test {
 protected:
  // As the heap does before a slow way.
  void MakeReady(SizeClass c = kSmallestClass) {
    magazine_->Compact();
    while (magazine_->Depth() < DepthOf(c)) magazine_->Deepen(c);
  }
  void PushAll(uintptr_t first, uintptr_t count) {
    for (uintptr_t i = first; i < first + count; ++i) ASSERT_TRUE(magazine_->Push(Block(i)));
  }

  std::unique_ptr<Magazine> magazine_ = std::make_unique<Magazine>();
};

TEST_F(MagazineTest, ZeroedMemoryHasNeitherEntriesNorRoom) {
  EXPECT_EQ(magazine_->Pop(), 0u);
  EXPECT_FALSE(magazine_->Push(Block(0)));
  EXPECT_EQ(magazine_->Valid(), 0u);
  EXPECT_FALSE(magazine_->RaiseFloor());
  EXPECT_EQ(magazine_->Stealable(), 0u);
  magazine_->LowerFloor(0);
  EXPECT_EQ(magazine_->Pop(), 0u);
  magazine_->Compact();
  EXPECT_EQ(magazine_->Pop(), 0u);
  EXPECT_FALSE(magazine_->Push(Block(0)));
}

TEST_F(MagazineTest, StartsSlowlyAndDoubles) {
  for (const SizeClass c : EachSizeClass()) {
    magazine_ = std::make_unique<Magazine>();
    magazine_->Compact();
    unsigned expected = 1;
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(magazine_->Deepen(c), std::min(expected, DepthOf(c)));
      EXPECT_EQ(magazine_->Depth(), std::min(expected, DepthOf(c)));
      expected *= 2;
    }
  }
}

TEST_F(MagazineTest, DepthsAreBoundedByNumberAndBytes) {
  for (const SizeClass c : EachSizeClass()) {
    EXPECT_LE(DepthOf(c), kDeepestMagazine);
    EXPECT_GE(DepthOf(c), kShallowestMagazine);
    EXPECT_TRUE(DepthOf(c) == kShallowestMagazine || DepthOf(c) * StrideOf(c) <= kMagazineBytes);
  }
  EXPECT_EQ(DepthOf(kSmallestClass), kDeepestMagazine);
}

TEST_F(MagazineTest, LastInFirstOut) {
  MakeReady();
  PushAll(0, kDeepestMagazine);
  EXPECT_FALSE(magazine_->Push(Block(1000)));
  EXPECT_EQ(magazine_->Valid(), kDeepestMagazine);
  for (uintptr_t i = kDeepestMagazine; i-- > 0;) EXPECT_EQ(magazine_->Pop(), Block(i));
  EXPECT_EQ(magazine_->Pop(), 0u);
}

TEST_F(MagazineTest, KeepsTheZeroedMark) {
  MakeReady();
  magazine_->Extend(1)->store(Block(3) | kZeroed);
  const uintptr_t entry = magazine_->Pop();
  EXPECT_EQ(entry, Block(3) | kZeroed);
  EXPECT_EQ(BlockOf(entry), Block(3));
  EXPECT_EQ(BlockOf(Block(3)), Block(3));
}

TEST_F(MagazineTest, DropsTheOldest) {
  MakeReady();
  PushAll(0, 10);
  EXPECT_EQ(magazine_->begin()->load(), Block(0));
  magazine_->DropOldest(4);
  EXPECT_EQ(magazine_->Valid(), 6u);
  EXPECT_EQ(magazine_->begin()->load(), Block(4));
  for (uintptr_t i = 10; i-- > 4;) EXPECT_EQ(magazine_->Pop(), Block(i));
  EXPECT_EQ(magazine_->Pop(), 0u);
}

TEST_F(MagazineTest, EmptyStartsAnew) {
  MakeReady();
  PushAll(0, 10);
  magazine_->Empty();
  EXPECT_EQ(magazine_->Valid(), 0u);
  EXPECT_EQ(magazine_->Depth(), 0u);
  EXPECT_EQ(magazine_->Pop(), 0u);
  EXPECT_FALSE(magazine_->Push(Block(0)));
}

TEST_F(MagazineTest, AGuardLeavesOnlyTheTopToTheOwner) {
  MakeReady();
  PushAll(0, 10);
  ASSERT_TRUE(magazine_->RaiseFloor());
  EXPECT_EQ(magazine_->Stealable(), 9u);
  EXPECT_EQ(magazine_->Pop(), Block(9));
  EXPECT_EQ(magazine_->Pop(), 0u);  // the rest is the janitor's
  // The owner may still be about to take the top one: one less.
  EXPECT_EQ(magazine_->Stealable(), 8u);
  magazine_->LowerFloor(8);
  EXPECT_EQ(magazine_->Valid(), 1u);
  EXPECT_EQ(magazine_->Pop(), Block(8));
  EXPECT_EQ(magazine_->Pop(), 0u);
}

TEST_F(MagazineTest, PushesAboveARaisedFloorStay) {
  MakeReady();
  PushAll(0, 10);
  ASSERT_TRUE(magazine_->RaiseFloor());
  PushAll(10, 5);
  EXPECT_EQ(magazine_->Stealable(), 9u);
  magazine_->LowerFloor(9);
  for (uintptr_t i = 15; i-- > 9;) EXPECT_EQ(magazine_->Pop(), Block(i));
  EXPECT_EQ(magazine_->Pop(), 0u);
}

TEST_F(MagazineTest, NothingTakenIsNothingChanged) {
  MakeReady();
  PushAll(0, 10);
  ASSERT_TRUE(magazine_->RaiseFloor());
  magazine_->LowerFloor(0);
  for (uintptr_t i = 10; i-- > 0;) EXPECT_EQ(magazine_->Pop(), Block(i));
}

TEST_F(MagazineTest, OneEntryIsNotWorthAGuard) {
  MakeReady();
  EXPECT_FALSE(magazine_->RaiseFloor());
  PushAll(0, 1);
  EXPECT_FALSE(magazine_->RaiseFloor());
  PushAll(1, 1);
  EXPECT_TRUE(magazine_->RaiseFloor());
  magazine_->LowerFloor(0);
}

TEST_F(MagazineTest, CompactMakesTheRoomGood) {
  MakeReady();
  PushAll(0, kDeepestMagazine);
  ASSERT_TRUE(magazine_->RaiseFloor());
  const unsigned taken = magazine_->Stealable();
  magazine_->LowerFloor(taken);
  EXPECT_FALSE(magazine_->Push(Block(100)));
  magazine_->Compact();
  EXPECT_EQ(magazine_->Valid(), kDeepestMagazine - taken);
  PushAll(100, taken);
  EXPECT_FALSE(magazine_->Push(Block(1000)));
  std::set<uintptr_t> seen;
  while (const uintptr_t block = magazine_->Pop()) seen.insert(block);
  EXPECT_EQ(seen.size(), kDeepestMagazine);
}

}  // namespace
}  // namespace mymalloc
