// Frees that name a size: the right one always passes, whatever the options; another class's never.

#include <random>

#include "gtest/gtest.h"
#include "mymalloc/base/options.h"
#include "mymalloc/base/units.h"
#include "mymalloc/front/front.h"
#include "mymalloc/large/large.h"
#include "mymalloc/page/size_class.h"
#include "mymalloc/process/attach.h"
#include "tests/heap/faults.h"

namespace mymalloc {
namespace {

constexpr char kDelete[] = "operator delete";

class KnownSizeTest : public testing::Test {
 protected:
  KnownSizeTest() { EnsureHeap(); }

  test::Faults& faults() {
    // Made when the options have been read.
    static test::Faults faults;
    return faults;
  }
  void ExpectNoFault(size_t n, size_t alignment = 0) {
    ASSERT_TRUE(faults().Take().empty()) << n << " aligned to " << alignment;
  }
  void ReallocAndFree() {
    std::mt19937_64 random(1);
    for (int i = 0; i < 4000; ++i) {
      void* block = Allocate(random() % 5000);
      size_t n = 0;
      for (int j = i % 8; j >= 0; --j) {
        const bool little = random() % 2 == 0;
        n = little ? n + random() % 300 : random() % (size_t{1} << (4 + random() % 18));
        block = Reallocate(block, n, "realloc");
        ASSERT_NE(block, nullptr);
      }
      FreeKnownSlow(block, n, 1, /*exact=*/false, "free_sized");
      ASSERT_NO_FATAL_FAILURE(ExpectNoFault(n));
    }
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

// Around each length at which one more slot is needed, and where runs begin and end.
TEST_F(KnownSizeTest, TheSizeOfARunPasses) {
  faults();
  for (size_t alignment = 1; alignment <= 8192; alignment *= 2) {
    for (size_t slots = 7; slots <= 64; ++slots) {
      for (const SizeClass c : EachRunClass()) {
        const size_t most = slots * StrideOf(c) - kTagBytes;
        for (const size_t n : {most - 1, most, most + 1}) {
          void* const block = AllocateAligned(alignment, n);
          FreeKnownSlow(block, n, alignment, /*exact=*/true, kDelete);
          ASSERT_NO_FATAL_FAILURE(ExpectNoFault(n, alignment));
        }
      }
    }
  }
}

TEST_F(KnownSizeTest, TheSizeOfTheLastReallocPasses) {
  faults();
  ASSERT_NO_FATAL_FAILURE(ReallocAndFree());
}

TEST_F(KnownSizeTest, EachOtherClassIsReported) {
  faults();
  for (SizeClass c{1}; c < kFirstRunClass; ++c) {
    const size_t n = UsableOf(c);
    if (!IsRegular(c)) continue;
    void* const block = Allocate(n);
    for (SizeClass other{1}; other < kFirstRunClass; ++other) {
      if (other == c || !IsRegular(other)) continue;
      ASSERT_NO_FATAL_FAILURE(ExpectWrong(block, UsableOf(other))) << n;
    }
    ASSERT_NO_FATAL_FAILURE(ExpectWrong(block, kMiB));
    FreeOfSize(block, n, kDelete);
    ASSERT_NO_FATAL_FAILURE(ExpectNoFault(n));
  }
}

TEST_F(KnownSizeTest, EachOtherSizeOfALongBlockIsReported) {
  faults();
  // In turn, so that some are made where one was freed that was longer.
  for (int i = 0; i < 40; ++i) {
    for (const size_t n : {size_t{33000}, size_t{41250}, 100 * kKiB, size_t{384158}, 5 * kMiB}) {
      void* const block = Allocate(n);
      // A run is told from others by the number of its slots.
      const Tag tag = Tag::Of(reinterpret_cast<uintptr_t>(block));
      const size_t least = tag.IsRun() ? StrideOf(tag.size_class()) : 1;
      for (const size_t wrong :
           {size_t{16}, n / 4, n / 2, n - n / 4, n - least, n + least, 2 * n}) {
        ASSERT_NO_FATAL_FAILURE(ExpectWrong(block, wrong)) << n;
      }
      FreeOfSize(block, n, kDelete);
      ASSERT_NO_FATAL_FAILURE(ExpectNoFault(n));
    }
  }
}

TEST_F(KnownSizeTest, AnAlignmentThatIsNoneIsReported) {
  faults();
  for (const size_t n : {size_t{10}, size_t{5000}, kMiB}) {
    void* const block = AllocateAligned(64, n);
    for (const size_t wrong : {size_t{0}, size_t{3}, size_t{48}}) {
      FreeKnownSlow(block, n, wrong, /*exact=*/true, "free_aligned_sized");
      ASSERT_EQ(faults().TakeOne().what, "invalid size") << wrong;
    }
    FreeKnownSlow(block, n, 64, /*exact=*/true, "free_aligned_sized");
    ASSERT_NO_FATAL_FAILURE(ExpectNoFault(n));
  }
}

}  // namespace
}  // namespace mymalloc
