// Large blocks between guard pages, and those that are held back after their free.

#include <cstring>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "mymalloc/base/options.h"
#include "mymalloc/front/front.h"
#include "mymalloc/large/large.h"
#include "mymalloc/process/attach.h"
#include "mymalloc/process/janitor.h"
#include "mymalloc/report/inspector.h"
#include "mymalloc/report/verify.h"
#include "tests/heap/faults.h"
#include "tests/support/block.h"
#include "tests/support/residency.h"

namespace mymalloc {
namespace {

using test::IsReadable;

constexpr size_t kDelay = 9;  // frees until a mapping may be used again
void* Pointer(uintptr_t address) { return reinterpret_cast<void*>(address); }

class LargeHeldTest : public testing::Test {
 protected:
  LargeHeldTest() {
    EnsureHeap();
    EXPECT_TRUE(g_options.guard_pages || g_options.quarantine.value != 0);
  }
  ~LargeHeldTest() override {
    EXPECT_STREQ(VerifyHeap(), nullptr);
    EXPECT_TRUE(faults_.Take().empty());
  }

  static LargeBlock* RecordOf(uintptr_t address) {
    Interval range;
    Owner owner;
    return g_page_map.Find(address, &range, &owner) ? owner.large() : nullptr;
  }
  static uintptr_t New(size_t n, size_t alignment = kBlockAlignment) {
    bool zeroed = false;
    return AllocateLarge(n, alignment, &zeroed);
  }
  static void Free(uintptr_t block) { EXPECT_TRUE(FreeLarge(RecordOf(block), block)); }
  static size_t Guard() { return g_options.guard_pages ? KernelPage() : 0; }
  void ExpectGuards(uintptr_t block) {
    const LargeBlock& large = *RecordOf(block);
    ASSERT_EQ(large.guard, Guard());
    EXPECT_TRUE(IsReadable(large.begin));
    EXPECT_TRUE(IsReadable(large.end - 1));
    if (Guard() == 0) return;
    EXPECT_FALSE(IsReadable(large.begin - 1));
    EXPECT_FALSE(IsReadable(large.begin - KernelPage()));
    EXPECT_FALSE(IsReadable(large.end));
    EXPECT_FALSE(IsReadable(large.end + KernelPage() - 1));
  }
  // As many others as it takes until what was freed before may be used again.
  static void FreeOthers() {
    std::vector<uintptr_t> others;
    for (size_t i = 0; i < kDelay; ++i) others.push_back(New(16 * kMiB / kDelay));
    for (const uintptr_t block : others) Free(block);
  }

  test::Faults faults_;
};

TEST_F(LargeHeldTest, EachBlockLiesBetweenItsGuards) {
  for (const size_t n : {size_t{1}, size_t{40000}, size_t{4080}, kMiB, 9 * kMiB + 1}) {
    for (const size_t alignment : {size_t{16}, size_t{4096}, 64 * kKiB, 4 * kMiB}) {
      const uintptr_t block = New(n, alignment);
      ASSERT_NE(block, 0u);
      EXPECT_EQ(block % alignment, 0u);
      EXPECT_GE(RecordOf(block)->usable(), n);
      EXPECT_TRUE(Tag::Of(block).Verifies(block));
      memset(Pointer(block), 1, RecordOf(block)->usable());
      ExpectGuards(block);
      Free(block);
    }
  }
}

TEST_F(LargeHeldTest, AMappingIsNotUsedAgainAtOnceButLater) {
  for (const size_t n : {200 * kKiB, 3 * kMiB}) {
    const uintptr_t first = New(n);
    Free(first);
    bool again = false;
    for (int i = 0; i < 40; ++i) {
      const uintptr_t block = New(n);
      ASSERT_GE(RecordOf(block)->usable(), n);
      EXPECT_TRUE(i >= 8 - 1 || block != first) << i;
      again |= block == first;
      memset(Pointer(block), i, RecordOf(block)->usable());
      ExpectGuards(block);
      EXPECT_TRUE(Tag::Of(block).live());
      Free(block);
    }
    EXPECT_TRUE(again) << n;
  }
}

TEST_F(LargeHeldTest, ResizingKeepsTheContents) {
  for (const size_t n : {100 * kKiB, kMiB, 5 * kMiB}) {
    void* block = Allocate(n);
    test::FillPattern(block, n, 3);
    for (const size_t next : {n + 1, 2 * n, 7 * n, 3 * n, n, 20 * n, n}) {
      block = Reallocate(block, next, "realloc");
      ASSERT_NE(block, nullptr);
      ASSERT_GE(UsableSize(block, "test"), next);
      ASSERT_TRUE(test::MatchesPattern(block, n, 3)) << n << " " << next;
      ExpectGuards(reinterpret_cast<uintptr_t>(block));
    }
    mymalloc::Free(block);
  }
}

// Freed memory that is held back goes back to the kernel nevertheless.
TEST_F(LargeHeldTest, HeldMemoryDecays) {
  for (const size_t n : {200 * kKiB, 8 * kMiB}) {
    const uintptr_t block = New(n);
    memset(Pointer(block), 1, n);
    const Interval mapping = {RecordOf(block)->begin, RecordOf(block)->end};
    Free(block);
    g_janitor.Pass(/*all=*/true);
    EXPECT_EQ(test::ResidentPages(mapping.begin, mapping.length()), 0u) << n;
    // One that is used again is whole.
    FreeOthers();
    for (int i = 0; i < 20; ++i) {
      const uintptr_t other = New(n);
      memset(Pointer(other), 1, n);
      Free(other);
    }
  }
}

TEST_F(LargeHeldTest, AWriteAfterTheFreeIsReportedWhenTheMappingIsUsedAgain) {
  if (g_options.quarantine.value == 0) GTEST_SKIP() << "without a quarantine nobody looks";
  const size_t n = 300 * kKiB;
  const uintptr_t block = New(n);
  const size_t usable = RecordOf(block)->usable();
  Free(block);
  static_cast<char*>(Pointer(block))[77] = 1;
  for (int i = 0; i < 20; ++i) Free(New(n));
  const auto fault = faults_.TakeOne();
  EXPECT_EQ(fault.what, "write after free");
  EXPECT_EQ(fault.block.begin, block);
  EXPECT_EQ(fault.block.usable, usable);
}

// A block that was held back may be longer than what is asked for next: that size is right still.
TEST_F(LargeHeldTest, TheSizeOfABlockInALongerMappingIsRight) {
  for (const size_t n : {400 * kKiB, 4 * kMiB}) {
    for (int i = 0; i < 40; ++i) {
      const size_t asked = i < 20 ? n + n / 5 : n;
      FreeOfSize(Allocate(asked), asked, "operator delete");
      EXPECT_TRUE(faults_.Take().empty()) << n << " " << i;
    }
  }
}

TEST_F(LargeHeldTest, RandomUse) {
  std::mt19937_64 random(5);
  struct Live {
    void* block;
    size_t n;
    uint64_t seed;
  };
  std::vector<Live> live;
  for (uint64_t i = 0; i < 1000; ++i) {
    const size_t n = 40000 + random() % (random() % 8 == 0 ? 3 * kMiB : 300 * kKiB);
    if (live.size() < 20) {
      const size_t alignment = size_t{16} << random() % 12;
      live.push_back({AllocateAligned(alignment, n), n, i});
      test::FillPattern(live.back().block, n, i);
      continue;
    }
    std::swap(live[random() % live.size()], live.back());
    Live& last = live.back();
    ASSERT_TRUE(test::MatchesPattern(last.block, last.n, last.seed)) << i;
    if (random() % 3 == 0) {
      last.block = Reallocate(last.block, n, "realloc");
      ASSERT_TRUE(n < last.n || test::MatchesPattern(last.block, last.n, last.seed)) << i;
      last.n = n;
      test::FillPattern(last.block, n, last.seed);
    } else {
      mymalloc::Free(last.block);
      live.pop_back();
    }
    if (i % 100 != 0) continue;
    g_janitor.Pass(/*all=*/i % 200 == 0);
    ASSERT_STREQ(VerifyHeap(), nullptr);
  }
  for (const Live& l : live) mymalloc::Free(l.block);
}

}  // namespace
}  // namespace mymalloc
