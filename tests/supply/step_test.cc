// What a step has room for.

#include "mymalloc/supply/step.h"

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

constexpr size_t kMostBytes = (Step::kUsual - Step::kCall) * KernelPage();

TEST(StepTest, LooksUseItUp) {
  Step step;
  for (size_t i = 0; i < Step::kUsual; ++i) {
    EXPECT_FALSE(step.IsOver());
    step.Look();
  }
  EXPECT_TRUE(step.IsOver());
}

TEST(StepTest, CallsUseItUp) {
  Step step;
  EXPECT_EQ(step.MostBytes(), kMostBytes);
  step.Call(kMostBytes - KernelPage());
  EXPECT_FALSE(step.IsOver());
  EXPECT_EQ(step.MostBytes(), KernelPage());
  step.Call(0);
  EXPECT_TRUE(step.IsOver());
}

// However long a step is, no single call is.
TEST(StepTest, ALongOneHasMoreCallsAndNoLongerOnes) {
  Step step(100 * Step::kUsual);
  int calls = 0;
  for (; !step.IsOver(); ++calls) {
    EXPECT_LE(step.MostBytes(), Step::kUsual * KernelPage());
    step.Call(step.MostBytes());
  }
  EXPECT_GE(calls, 85);
}

TEST(StepTest, AnUnlimitedOneIsNeverOver) {
  Step step(Step::kUnlimited);
  for (int i = 0; i < 100000; ++i) step.Look(kGiB);
  EXPECT_FALSE(step.IsOver());
}

}  // namespace
}  // namespace mymalloc
