// Frees that name a size: the right one always passes, whatever the options; another class's never.

#include <random>

#include "gtest/gtest.h"
#include "mymalloc/base/options.h"
#include "mymalloc/base/units.h"
#include "mymalloc/front/front.h"
#include "mymalloc/heap/large.h"
#include "mymalloc/page/size_class.h"
#include "tests/heap/faults.h"

namespace mymalloc {
namespace {

constexpr char kDelete[] = "operator delete";

class KnownSizeTest : public testing::Test {
 protected:
  KnownSizeTest() { g_registry.EnsureHeap(); }
  ~KnownSizeTest() override { g_largest_slot_request = kLargestMedium; }

  test::Faults& faults() {
    // Made when the options have been read.
    static test::Faults faults;
    return faults;
  }
  void ExpectNoFault(size_t n, size_t alignment = 0) {
    ASSERT_TRUE(faults().Take().empty()) << n << " aligned to " << alignment;
  }
  void ExpectWrong(void* block, size_t n) {
    FreeOfSize(block, n, kDelete);
    ASSERT_EQ(faults().TakeOne().what, "invalid size") << n;
  }
};

TEST_F(KnownSizeTest, TheSizeOfTheAllocationPasses) {
  faults();
  for (size_t n = 0; n <= 8 * kMiB; n += n < 2200 ? 1 : n < 40000 ? 23 : n / 3) {
    for (int i = 0; i < 3; ++i) FreeOfSize(Allocate(n), n, kDelete);
    ASSERT_NO_FATAL_FAILURE(ExpectNoFault(n));
  }
}

TEST_F(KnownSizeTest, TheSizeAndAlignmentOfTheAllocationPass) {
  faults();
  for (size_t alignment = 1; alignment <= 4 * kMiB; alignment *= 2) {
    for (size_t n = 0; n <= 4 * kMiB; n += n < 100 ? 7 : n / 9) {
      void* const block = AllocateAligned(alignment, n);
      ASSERT_NE(block, nullptr);
      FreeKnownSlow(block, n, alignment, /*exact=*/true, kDelete);
      ASSERT_NO_FATAL_FAILURE(ExpectNoFault(n, alignment));
    }
  }
}

// Where address space is scarce, blocks of the larger classes are large ones.
TEST_F(KnownSizeTest, TheSizePassesWhereLargeBlocksBeginEarly) {
  faults();
  InitLarge(/*constrained=*/true);
  for (size_t alignment = 1; alignment <= 8192; alignment *= 2) {
    for (size_t n = 3000; n <= 40000; n += n < 4200 ? 3 : 101) {
      void* const block = AllocateAligned(alignment, n);
      FreeKnownSlow(block, n, alignment, /*exact=*/true, kDelete);
      ASSERT_NO_FATAL_FAILURE(ExpectNoFault(n, alignment));
    }
  }
}

TEST_F(KnownSizeTest, TheSizeOfTheLastReallocPasses) {
  faults();
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    void* block = Allocate(random() % 3000);
    for (int j = 0; j < 8; ++j) {
      const size_t n = random() % (size_t{1} << (4 + random() % 18));
      block = Reallocate(block, n, "realloc");
      ASSERT_NE(block, nullptr);
      if (j < 7 - i % 8) continue;
      FreeKnownSlow(block, n, 0, /*exact=*/false, "free_sized");
      ASSERT_NO_FATAL_FAILURE(ExpectNoFault(n));
      block = nullptr;
      break;
    }
    Free(block);
  }
}

TEST_F(KnownSizeTest, EachOtherClassIsReported) {
  faults();
  for (SizeClass c = 1; c < kSizeClasses; ++c) {
    const size_t n = UsableOf(c);
    if (!IsRegular(c)) continue;
    void* const block = Allocate(n);
    for (SizeClass other = 1; other < kSizeClasses; ++other) {
      if (other == c || !IsRegular(other)) continue;
      ASSERT_NO_FATAL_FAILURE(ExpectWrong(block, UsableOf(other))) << n;
    }
    ASSERT_NO_FATAL_FAILURE(ExpectWrong(block, kMiB));
    FreeOfSize(block, n, kDelete);
    ASSERT_NO_FATAL_FAILURE(ExpectNoFault(n));
  }
}

TEST_F(KnownSizeTest, AMuchOtherSizeOfALargeBlockIsReported) {
  faults();
  for (const size_t n : {100 * kKiB, kMiB, 5 * kMiB}) {
    void* const block = Allocate(n);
    for (const size_t wrong : {size_t{16}, n / 2, n + 2 * kOsPage + n / 2, 2 * n}) {
      ASSERT_NO_FATAL_FAILURE(ExpectWrong(block, wrong));
    }
    FreeOfSize(block, n, kDelete);
    ASSERT_NO_FATAL_FAILURE(ExpectNoFault(n));
  }
}

}  // namespace
}  // namespace mymalloc
