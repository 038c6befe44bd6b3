#include "tree/interval.h"

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

constexpr uint64_t kTop = ~uint64_t{0};

TEST(IntervalTest, ContainsIsHalfOpen) {
  constexpr Interval kRange{10, 20};
  EXPECT_FALSE(kRange.Contains(9));
  EXPECT_TRUE(kRange.Contains(10));
  EXPECT_TRUE(kRange.Contains(19));
  EXPECT_FALSE(kRange.Contains(20));
  EXPECT_FALSE(kRange.Contains(0));
  EXPECT_FALSE(kRange.Contains(kTop));
}

TEST(IntervalTest, TheWholeSpaceContainsAllButTheTop) {
  constexpr Interval kRange{0, kTop};
  EXPECT_TRUE(kRange.Contains(0));
  EXPECT_TRUE(kRange.Contains(kTop - 1));
  EXPECT_FALSE(kRange.Contains(kTop));
}

TEST(IntervalTest, AnEmptyRangeContainsNothing) {
  constexpr Interval kRange{10, 10};
  EXPECT_TRUE(kRange.empty());
  EXPECT_FALSE(kRange.Contains(10));
  EXPECT_EQ(kRange.length(), 0u);
}

TEST(IntervalTest, NeighboursDoNotOverlap) {
  constexpr Interval kRange{10, 20};
  EXPECT_FALSE(kRange.Overlaps({0, 10}));
  EXPECT_FALSE(kRange.Overlaps({20, 30}));
  EXPECT_TRUE(kRange.Overlaps({0, 11}));
  EXPECT_TRUE(kRange.Overlaps({19, 30}));
  EXPECT_TRUE(kRange.Overlaps({12, 13}));
  EXPECT_TRUE(kRange.Overlaps({0, 100}));
}

TEST(IntervalTest, EqualityComparesBothEnds) {
  constexpr Interval kRange{1, 2};
  constexpr Interval kSame{1, 2};
  EXPECT_EQ(kRange, kSame);
  EXPECT_NE(kRange, (Interval{1, 3}));
  EXPECT_NE(kRange, (Interval{0, 2}));
}

}  // namespace
}  // namespace mymalloc
