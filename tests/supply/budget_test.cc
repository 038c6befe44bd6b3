// How much may be free: sums, and the extra for what was given back too soon.

#include "mymalloc/supply/budget.h"

#include <functional>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

constexpr auto kMegabyte = static_cast<int64_t>(kMiB);

TEST(BudgetTest, WhatIsFreeIsTheSumOfItsParts) {
  Budget budget;
  EXPECT_EQ(budget.free(), 0u);
  budget.Tell(5 * kMegabyte, 0, 0);
  budget.SetSupply(3 * kMiB);
  budget.AddParked(kMegabyte);
  EXPECT_EQ(budget.free(), 9 * kMiB);
  EXPECT_EQ(budget.parked(), kMiB);
  EXPECT_EQ(budget.live(), 0u);
  budget.SetSupply(2 * kMiB);
  budget.Tell(-2 * kMegabyte, 0, 0);
  EXPECT_EQ(budget.free(), 6 * kMiB);
}

// Threads add their parts late and in any order: the sum may be short for a while.
TEST(BudgetTest, ASumBelowZeroIsNothing) {
  Budget budget;
  budget.Tell(-kMegabyte, 0, 0);
  budget.Tell(0, -kMegabyte, 0);
  EXPECT_EQ(budget.free(), 0u);
  EXPECT_EQ(budget.live(), 0u);
  EXPECT_EQ(budget.Excess(), 0u);
  budget.Tell(2 * kMegabyte, 0, 0);
  EXPECT_EQ(budget.free(), kMiB);
}

TEST(BudgetTest, FarTooMuchIsHalfAsMuchAgain) {
  Budget budget;
  budget.SetSupply(Budget::kLeast + kMiB);
  EXPECT_TRUE(budget.IsExceeded());
  EXPECT_FALSE(budget.IsFarExceeded());
  budget.SetSupply(Budget::kLeast + 3 * kMiB);
  EXPECT_TRUE(budget.IsFarExceeded());
  budget.Tell(0, 128 * kMegabyte, 0);
  EXPECT_FALSE(budget.IsFarExceeded());
}

// Others need not look at the sums but when this says so.
TEST(BudgetTest, WhoeverChangesASumTellsThatItIsExceeded) {
  const std::function<void(Budget&)> changes[] = {
      [](Budget& budget) { budget.Tell(6 * kMegabyte, 0, 0); },
      [](Budget& budget) { budget.SetSupply(6 * kMiB); },
      [](Budget& budget) { budget.AddParked(6 * kMegabyte); },
      [](Budget& budget) {
        budget.Tell(0, 64 * kMegabyte, 0);
        budget.SetSupply(6 * kMiB);
        EXPECT_FALSE(budget.IsExceeded());
        budget.Tell(0, -32 * kMegabyte, 0);
      },
      [](Budget& budget) {
        budget.Tell(0, 64 * kMegabyte, 0);
        budget.SetSupply(6 * kMiB);
        EXPECT_FALSE(budget.IsExceeded());
        budget.BeShort();
      },
  };
  for (const auto& change : changes) {
    Budget budget;
    EXPECT_FALSE(budget.IsExceeded());
    change(budget);
    EXPECT_TRUE(budget.IsExceeded());
    budget.NoteNotExceeded();
    EXPECT_TRUE(budget.IsExceeded()) << "it is";
    budget.SetSupply(0);
    budget.Tell(-static_cast<int64_t>(budget.free()), 0, 0);
    budget.NoteNotExceeded();
    EXPECT_FALSE(budget.IsExceeded());
  }
}

TEST(BudgetTest, AShareOfWhatIsLiveMayBeFree) {
  Budget budget;
  EXPECT_EQ(budget.Most(), Budget::kLeast);
  budget.Tell(0, 16 * kMegabyte, 0);
  EXPECT_EQ(budget.Most(), Budget::kLeast);
  budget.Tell(0, 784 * kMegabyte, 0);
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
  EXPECT_EQ(budget.extra(), 0u);
  budget.NoteGivenBack(5 * kMiB);
  EXPECT_EQ(budget.extra(), 0u);
  budget.NoteWanted(3 * kMiB);
  EXPECT_EQ(budget.extra(), Budget::kEager * 3 * kMiB);
  budget.NoteWanted(10 * kMiB);  // no more than was given back
  EXPECT_EQ(budget.extra(), Budget::kEager * 5 * kMiB);
  // With nothing live not all of it may be used.
  EXPECT_EQ(budget.Most(), Budget::kLeast + Budget::kAlwaysMostExtra);
  budget.Tell(0, Budget::kEager * 5 * kMegabyte, 0);
  EXPECT_EQ(budget.Most(), Budget::kEager * 5 * kMiB / Budget::kShare + Budget::kEager * 5 * kMiB);
  budget.NoteWanted(10 * kMiB);
  EXPECT_EQ(budget.extra(), Budget::kEager * 5 * kMiB);
}

TEST(BudgetTest, EachHeapMayKeepSomeOfTheExtra) {
  Budget budget;
  budget.NoteGivenBack(200 * kMiB);
  budget.NoteWanted(200 * kMiB);
  for (size_t i = 0; i < Budget::kFewHeaps + 5; ++i) budget.AddHeap();
  EXPECT_EQ(budget.Most(), Budget::kLeast + 5 * Budget::kMostExtraOfHeap);
  for (int i = 0; i < 100; ++i) budget.AddHeap();
  EXPECT_EQ(budget.Most(), Budget::kLeast + Budget::kMostExtraOfHeaps);
}

TEST(BudgetTest, TheExtraIsBoundedByWhatWasLive) {
  Budget budget;
  for (int i = 0; i < 100; ++i) {
    budget.NoteGivenBack(10 * kMiB);
    budget.NoteWanted(10 * kMiB);
  }
  EXPECT_EQ(budget.extra(), 96 * kMiB);
  budget.Tell(0, 300 * kMegabyte, 0);
  for (int i = 0; i < 100; ++i) {
    budget.NoteGivenBack(10 * kMiB);
    budget.NoteWanted(10 * kMiB);
  }
  EXPECT_EQ(budget.extra(), 300 * kMiB);
}

// A program that fills and empties its memory in turn has nothing live when it gives back.
TEST(BudgetTest, WhatWasLiveLatelyBoundsItToo) {
  Budget budget;
  budget.Tell(0, 300 * kMegabyte, 0);
  budget.Tick();
  budget.Tell(0, -300 * kMegabyte, 0);
  budget.NoteGivenBack(200 * kMiB);
  budget.NoteWanted(200 * kMiB / Budget::kEager);
  EXPECT_EQ(budget.extra(), 200 * kMiB);
}

class ExtendedBudgetTest : public testing::Test {
 protected:
  static constexpr size_t kExtra = Budget::kAlwaysMostExtra;

  ExtendedBudgetTest() {
    budget_.NoteGivenBack(kExtra / Budget::kEager);
    budget_.NoteWanted(kExtra / Budget::kEager);
  }

  Budget budget_;
};

TEST_F(ExtendedBudgetTest, WhatIsNotUsedOfTheExtraGoes) {
  budget_.Tick();
  EXPECT_EQ(budget_.extra(), kExtra - kExtra / Budget::kShrinkShare);
  for (int i = 0; i < 200; ++i) budget_.Tick();
  EXPECT_EQ(budget_.extra(), 0u);
}

TEST_F(ExtendedBudgetTest, WhatIsUsedOfTheExtraStays) {
  for (int i = 0; i < 10; ++i) {
    budget_.SetSupply(Budget::kLeast + kExtra);
    EXPECT_EQ(budget_.Excess(), 0u);
    budget_.SetSupply(0);
    budget_.Tick();
    EXPECT_EQ(budget_.extra(), kExtra) << "period " << i;
  }
  // Half of it.
  for (int i = 0; i < 30; ++i) {
    budget_.SetSupply(Budget::kLeast + kExtra / 2);
    budget_.Excess();
    budget_.Tick();
  }
  EXPECT_GE(budget_.extra(), kExtra / 2);
  EXPECT_LT(budget_.extra(), kExtra / 2 + kMiB);
}

TEST_F(ExtendedBudgetTest, WhatWasGivenBackLongAgoIsForgotten) {
  budget_.NoteGivenBack(16 * kMiB);
  for (int i = 0; i < 40; ++i) budget_.Tick();
  const size_t before = budget_.extra();
  budget_.NoteWanted(16 * kMiB);
  EXPECT_EQ(budget_.extra(), before);
}

}  // namespace
}  // namespace mymalloc
