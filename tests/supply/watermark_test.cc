// What a value was at the least and at the most in a period.

#include "mymalloc/supply/watermark.h"

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

TEST(WatermarkTest, TheLeastOfAPeriod) {
  LowWater mark;
  EXPECT_EQ(mark.Begin(10), 0u);
  for (const size_t now : {size_t{12}, size_t{7}, size_t{9}}) mark.Note(now);
  EXPECT_EQ(mark.value(), 7u);
  EXPECT_EQ(mark.Begin(9), 7u);
  EXPECT_EQ(mark.value(), 9u);
}

TEST(WatermarkTest, TheMostOfAPeriod) {
  HighWater mark;
  EXPECT_EQ(mark.Begin(10), 0u);
  for (const size_t now : {size_t{12}, size_t{7}, size_t{9}}) mark.Note(now);
  EXPECT_EQ(mark.value(), 12u);
  EXPECT_EQ(mark.Begin(9), 12u);
  EXPECT_EQ(mark.value(), 9u);
}

}  // namespace
}  // namespace mymalloc
