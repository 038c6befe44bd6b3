// How much may be free: sums, and the extra for what was given back too soon.

#include "mymalloc/heap/budget.h"

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

constexpr auto kMegabyte = static_cast<int64_t>(kMiB);

TEST(BudgetTest, WhatIsFreeIsTheSumOfItsParts) {
  Budget budget;
  EXPECT_EQ(budget.free(), 0u);
  budget.AddFree(5 * kMegabyte);
  budget.SetSupply(3 * kMiB);
  budget.AddParked(kMegabyte);
  EXPECT_EQ(budget.free(), 9 * kMiB);
  EXPECT_EQ(budget.parked(), kMiB);
  EXPECT_EQ(budget.live(), 0u);
  budget.SetSupply(2 * kMiB);
  budget.AddFree(-2 * kMegabyte);
  EXPECT_EQ(budget.free(), 6 * kMiB);
}

// Threads add their parts late and in any order: the sum may be short for a while.
TEST(BudgetTest, ASumBelowZeroIsNothing) {
  Budget budget;
  budget.AddFree(-kMegabyte);
  budget.AddLive(-kMegabyte);
  EXPECT_EQ(budget.free(), 0u);
  EXPECT_EQ(budget.live(), 0u);
  EXPECT_EQ(budget.Excess(), 0u);
  budget.AddFree(2 * kMegabyte);
  EXPECT_EQ(budget.free(), kMiB);
}

TEST(BudgetTest, AShareOfWhatIsLiveMayBeFree) {
  Budget budget;
  EXPECT_EQ(budget.Most(), Budget::kLeast);
  budget.AddLive(16 * kMegabyte);
  EXPECT_EQ(budget.Most(), Budget::kLeast);
  budget.AddLive(784 * kMegabyte);
  EXPECT_EQ(budget.Most(), 800 * kMiB / Budget::kShare);
}

// And so much more than that, that the next call has nothing to do.
TEST(BudgetTest, WhatIsBeyondIsToBeGivenBack) {
  Budget budget;
  budget.SetSupply(Budget::kLeast);
  EXPECT_EQ(budget.Excess(), 0u);
  budget.SetSupply(Budget::kLeast + kMiB);
  EXPECT_GT(budget.Excess(), kMiB);
  EXPECT_LT(budget.Excess(), kMiB + Budget::kLeast);
  budget.SetSupply(Budget::kLeast + kMiB - budget.Excess());
  EXPECT_EQ(budget.Excess(), 0u);
}

TEST(BudgetTest, WhatIsWantedAgainRaisesTheBudget) {
  Budget budget;
  budget.NoteWanted(10 * kMiB);  // nothing was given back: it is new
  EXPECT_EQ(budget.boost(), 0u);
  budget.NoteGivenBack(5 * kMiB);
  EXPECT_EQ(budget.boost(), 0u);
  budget.NoteWanted(3 * kMiB);
  EXPECT_EQ(budget.boost(), Budget::kEager * 3 * kMiB);
  budget.NoteWanted(10 * kMiB);  // no more than was given back
  EXPECT_EQ(budget.boost(), Budget::kEager * 5 * kMiB);
  // With nothing live not all of it may be used.
  EXPECT_EQ(budget.Most(), Budget::kLeast + Budget::kAlwaysMostBoost);
  budget.AddLive(Budget::kEager * 5 * kMegabyte);
  EXPECT_EQ(budget.Most(), Budget::kEager * 5 * kMiB / Budget::kShare + Budget::kEager * 5 * kMiB);
  budget.NoteWanted(10 * kMiB);
  EXPECT_EQ(budget.boost(), Budget::kEager * 5 * kMiB);
}

TEST(BudgetTest, EachHeapMayKeepSomeOfTheExtra) {
  Budget budget;
  budget.NoteGivenBack(200 * kMiB);
  budget.NoteWanted(200 * kMiB);
  for (size_t i = 0; i < Budget::kFewHeaps + 5; ++i) budget.AddHeap();
  EXPECT_EQ(budget.Most(), Budget::kLeast + 5 * Budget::kMostBoostOfHeap);
  for (int i = 0; i < 100; ++i) budget.AddHeap();
  EXPECT_EQ(budget.Most(), Budget::kLeast + Budget::kMostBoostOfHeaps);
}

TEST(BudgetTest, TheExtraIsBoundedByWhatWasLive) {
  Budget budget;
  for (int i = 0; i < 100; ++i) {
    budget.NoteGivenBack(10 * kMiB);
    budget.NoteWanted(10 * kMiB);
  }
  EXPECT_EQ(budget.boost(), 96 * kMiB);
  budget.AddLive(300 * kMegabyte);
  for (int i = 0; i < 100; ++i) {
    budget.NoteGivenBack(10 * kMiB);
    budget.NoteWanted(10 * kMiB);
  }
  EXPECT_EQ(budget.boost(), 300 * kMiB);
}

// A program that fills and empties its memory in turn has nothing live when it gives back.
TEST(BudgetTest, WhatWasLiveLatelyBoundsItToo) {
  Budget budget;
  budget.AddLive(300 * kMegabyte);
  budget.Tick();
  budget.AddLive(-300 * kMegabyte);
  budget.NoteGivenBack(200 * kMiB);
  budget.NoteWanted(200 * kMiB / Budget::kEager);
  EXPECT_EQ(budget.boost(), 200 * kMiB);
}

class BoostedBudgetTest : public testing::Test {
 protected:
  static constexpr size_t kBoost = Budget::kAlwaysMostBoost;

  BoostedBudgetTest() {
    budget_.NoteGivenBack(kBoost / Budget::kEager);
    budget_.NoteWanted(kBoost / Budget::kEager);
  }

  Budget budget_;
};

TEST_F(BoostedBudgetTest, WhatIsNotUsedOfTheExtraGoes) {
  budget_.Tick();
  EXPECT_EQ(budget_.boost(), kBoost - kBoost / Budget::kShrinkShare);
  for (int i = 0; i < 200; ++i) budget_.Tick();
  EXPECT_EQ(budget_.boost(), 0u);
}

TEST_F(BoostedBudgetTest, WhatIsUsedOfTheExtraStays) {
  for (int i = 0; i < 10; ++i) {
    budget_.SetSupply(Budget::kLeast + kBoost);
    EXPECT_EQ(budget_.Excess(), 0u);
    budget_.SetSupply(0);
    budget_.Tick();
    EXPECT_EQ(budget_.boost(), kBoost) << "period " << i;
  }
  // Half of it.
  for (int i = 0; i < 30; ++i) {
    budget_.SetSupply(Budget::kLeast + kBoost / 2);
    budget_.Excess();
    budget_.Tick();
  }
  EXPECT_GE(budget_.boost(), kBoost / 2);
  EXPECT_LT(budget_.boost(), kBoost / 2 + kMiB);
}

TEST_F(BoostedBudgetTest, WhatWasGivenBackLongAgoIsForgotten) {
  budget_.NoteGivenBack(16 * kMiB);
  for (int i = 0; i < 40; ++i) budget_.Tick();
  const size_t before = budget_.boost();
  budget_.NoteWanted(16 * kMiB);
  EXPECT_EQ(budget_.boost(), before);
}

}  // namespace
}  // namespace mymalloc
