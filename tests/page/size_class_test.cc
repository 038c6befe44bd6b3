#include "mymalloc/page/size_class.h"

#include <algorithm>

#include "gtest/gtest.h"
#include "tools/size_class_waste.h"

namespace mymalloc {
namespace {

// The smallest regular class that holds n bytes, looked for in the plainest way.
SizeClass SmallestRegular(size_t n) {
  SizeClass c = kSmallestClass;
  while (!IsRegular(c) || UsableOf(c) < n) ++c;
  return c;
}

// The smallest class of all whose slots hold n bytes and are all aligned.
SizeClass SmallestAligned(size_t n, size_t alignment) {
  if (alignment > kLargestSlotAlignment) return kNoClass;
  for (const SizeClass c : EachSizeClass()) {
    if (StrideOf(c) % alignment == 0 && UsableOf(c) >= n) return c;
  }
  return kNoClass;
}

TEST(SizeClassTest, StridesAscendInGranules) {
  EXPECT_EQ(StrideOf(SizeClass{1}), kBlockAlignment);
  for (SizeClass c{2}; c < kFirstRunClass; ++c) {
    EXPECT_GT(StrideOf(c), StrideOf(c - 1));
    EXPECT_EQ(StrideOf(c) % kBlockAlignment, 0u);
  }
}

TEST(SizeClassTest, PagesAreWholeUnitsAndHoldTheirSlots) {
  for (const SizeClass c : EachPageClass()) {
    EXPECT_EQ(PageBytesOf(c) % kPageUnit, 0u);
    EXPECT_GE(PageBytesOf(c), SlotsOf(c) * StrideOf(c));
    EXPECT_LT(PageBytesOf(c), SlotsOf(c) * StrideOf(c) + kPageUnit);
    EXPECT_LE(SlotsOf(c).value(), kSlotsPerPage);
    EXPECT_TRUE(IsRunClass(c) || PageBytesOf(c) <= kLongestPageOfSlots);
  }
}

TEST(SizeClassTest, TheLargestRequestHasTheLargestRegularClass) {
  SizeClass last = kSmallestClass;
  for (const SizeClass c : EachSizeClass()) {
    if (IsRegular(c)) last = c;
  }
  EXPECT_EQ(UsableOf(last), kLargestMedium);
  EXPECT_EQ(ClassOf(kLargestMedium), last);
}

TEST(SizeClassTest, EveryRequestHasTheSmallestClassThatHoldsIt) {
  for (size_t n = 0; n <= kLargestMedium; ++n) {
    ASSERT_EQ(ClassOf(n), SmallestRegular(n)) << n;
  }
}

// A zero written over the first byte of a tag must change it.
TEST(SizeClassTest, NoRequestHasClassZero) {
  EXPECT_NE(ClassOf(0), kSmallestClass);
  for (size_t alignment = 2 * kBlockAlignment; alignment <= kLargestSlotAlignment; alignment *= 2) {
    EXPECT_NE(AlignedClassOf(0, alignment), kSmallestClass);
  }
}

TEST(SizeClassTest, TheTwoTablesMeet) {
  EXPECT_EQ(SmallClassOf(kLargestSmall), ClassOf(kLargestSmall));
  EXPECT_EQ(MediumClassOf(kLargestSmall + 1), ClassOf(kLargestSmall + 1));
  EXPECT_NE(ClassOf(kLargestSmall), ClassOf(kLargestSmall + 1));
}

TEST(SizeClassTest, WasteIsBounded) {
  size_t n = 0;
  for (const WasteBound& bound : kWasteBounds) {
    ASSERT_EQ(n, bound.smallest) << "a gap between the bounds";
    for (; n <= bound.largest; ++n) {
      ASSERT_GE(UsableOf(ClassOf(n)), n);
      ASSERT_LE(WasteOf(n, 1, ClassOf(n)), bound.regular) << n;
    }
  }
  EXPECT_EQ(n, kLargestMedium + 1);
}

TEST(SizeClassTest, WasteOfAlignedRequestsIsBounded) {
  for (size_t alignment = 2 * kBlockAlignment; alignment <= kLargestSlotAlignment; alignment *= 2) {
    for (const WasteBound& bound : kWasteBounds) {
      for (size_t n = bound.smallest; n <= bound.largest; ++n) {
        const SizeClass c = AlignedClassOf(n, alignment);
        if (c == kNoClass) continue;  // a large block
        ASSERT_LE(WasteOf(n, alignment, c), bound.aligned) << n << " aligned to " << alignment;
      }
    }
  }
}

// What programs ask for most: powers of two and simple fractions above them.
TEST(SizeClassTest, RoundNumbersWasteNothingButTheOffset) {
  for (size_t power = 256; power <= kLargestMedium; power *= 2) {
    EXPECT_EQ(UsableOf(ClassOf(power)), power + kTagBytes) << power;
    const size_t and_a_half = power + power / 2;
    if (and_a_half > kLargestMedium) break;
    EXPECT_EQ(UsableOf(ClassOf(and_a_half)), and_a_half + kTagBytes) << power;
  }
}

TEST(SizeClassTest, AlignedRequestsHaveTheSmallestAlignedClass) {
  for (size_t alignment = 1; alignment <= 4 * kLargestSlotAlignment; alignment *= 2) {
    for (size_t n = 0; n <= kLargestMedium; n += n < 10000 ? 1 : 13) {
      ASSERT_EQ(AlignedClassOf(n, alignment), SmallestAligned(n, alignment))
          << n << " aligned to " << alignment;
    }
  }
}

// ---- Runs ----

TEST(SizeClassTest, ARunHoldsWhatWasAskedForAndNoSlotTooMany) {
  for (size_t alignment = 1; alignment <= 2 * kPageUnit; alignment *= 2) {
    for (size_t n = kLargestMedium - 50; n < 3 * kMiB; n += n < 34000 ? 1 : 997) {
      const RunFit fit = RunFor(n, alignment);
      if (fit.slots == kNoSlots) {
        const size_t longest = kMostRunSlots * StrideOf(kLongRuns + 1) - kTagBytes;
        ASSERT_TRUE(n > longest || alignment > kPageUnit) << n;
        continue;
      }
      ASSERT_LE(fit.slots, kMostRunSlots);
      ASSERT_TRUE(IsRunClass(fit.size_class));
      const size_t stride = StrideOf(fit.size_class);
      ASSERT_EQ(stride % std::max(alignment, kBlockAlignment), 0u)
          << n << " aligned to " << alignment;
      ASSERT_GE(fit.slots * stride - kTagBytes, n);
      ASSERT_LT((fit.slots - kOneSlot) * stride, n + kTagBytes);
    }
  }
}

TEST(SizeClassTest, RunsBeginWhereSlotsEndAndEndWithTheLargest) {
  EXPECT_NE(RunFor(kLargestMedium + 1, 1).slots, kNoSlots);
  EXPECT_EQ(RunFor(kLargestRun, 1).slots, kMostRunSlots);
  EXPECT_EQ(RunFor(kLargestRun + 1, 1).slots, kNoSlots);
  EXPECT_GE(kLargestRun, 2 * kMiB);
  EXPECT_EQ(RunFor(kMiB, 2 * kPageUnit).slots, kNoSlots);
}

// Powers of two, which programs ask for most, fill all of a page but a tenth.
TEST(SizeClassTest, RoundRunsFillAPage) {
  for (size_t n = 64 * kKiB; n <= 2 * kMiB; n *= 2) {
    const RunFit fit = RunFor(n, 1);
    const size_t blocks = (kSlotsPerPage - 1) / fit.slots.value();
    const size_t page = PageBytesOf(fit.size_class);
    EXPECT_GE(blocks * n, page - page / 10) << n;
  }
}

// Also where a page of the class that serves it would be left unused for an eighth or more.
TEST(SizeClassTest, ARunThatPacksBadlyPacksWellInSlotsTwiceAsLong) {
  unsigned badly = 0;
  for (size_t n = kLargestMedium + 1; n <= kLargestRun; n += 501) {
    const RunFit fit = RunFor(n, 1);
    if (PacksWell(fit.slots)) continue;
    ++badly;
    const RunFit better = BetterPackedOf(fit, n);
    ASSERT_EQ(StrideOf(better.size_class) / (2 * kPageUnit), StrideOf(fit.size_class) / kPageUnit);
    ASSERT_TRUE(PacksWell(better.slots)) << n;
    ASSERT_GE(better.slots * StrideOf(better.size_class) - kTagBytes, n);
  }
  EXPECT_NE(badly, 0u);
}

// What of a run's last slot is not asked for is not touched, either: it wastes addresses only.
TEST(SizeClassTest, TheWasteOfRunsIsBounded) {
  for (size_t n = kLargestMedium + 1; n <= kLargestRun; n += 501) {
    const RunFit fit = RunFor(n, 1);
    const size_t bytes = fit.slots * StrideOf(fit.size_class);
    ASSERT_LE(bytes - n, bytes / 5) << n;
  }
}

TEST(SizeClassTest, SlotsOfAnAlignedClassAreAligned) {
  for (size_t alignment = 16; alignment <= kLargestSlotAlignment; alignment *= 2) {
    for (const size_t n : {size_t{0}, size_t{1}, alignment, size_t{1000}, size_t{30000}}) {
      const SizeClass c = AlignedClassOf(n, alignment);
      ASSERT_NE(c, kNoClass);
      for (size_t slot = 0; slot < kSlotsPerPage; ++slot) {
        ASSERT_EQ(slot * StrideOf(c) % alignment, 0u);
      }
    }
  }
}

}  // namespace
}  // namespace mymalloc
