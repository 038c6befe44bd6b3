#include "mymalloc/base/units.h"

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

TEST(UnitsTest, PowersOfTwo) {
  EXPECT_FALSE(IsPowerOfTwo(0));
  for (unsigned i = 0; i < 64; ++i) {
    const size_t power = size_t{1} << i;
    EXPECT_TRUE(IsPowerOfTwo(power));
    EXPECT_EQ(IsPowerOfTwo(power - 1), i != 0 && i == 1);
    EXPECT_EQ(IsPowerOfTwo(power | 1), i == 0);
  }
}

TEST(UnitsTest, RoundsToUnits) {
  for (const uint64_t unit : {uint64_t{1}, uint64_t{16}, uint64_t{kPageUnit}}) {
    for (uint64_t n = 0; n < 10000; ++n) {
      ASSERT_EQ(RoundDown(n, unit), n / unit * unit);
      ASSERT_EQ(RoundUp(n, unit), (n + unit - 1) / unit * unit);
    }
  }
}

TEST(UnitsTest, MinAndMax) {
  EXPECT_EQ(Min(1, 2), 1);
  EXPECT_EQ(Min(2, 1), 1);
  EXPECT_EQ(Max(1, 2), 2);
  EXPECT_EQ(Max(2, 1), 2);
}

}  // namespace
}  // namespace mymalloc
