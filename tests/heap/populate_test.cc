// What a class that grows will need next is resident before it is touched, and counts as free.

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "mymalloc/front/front.h"
#include "mymalloc/os/memory.h"
#include "tests/heap/engine.h"
#include "tests/heap/free_pages.h"

namespace mymalloc {
namespace {

using test::Address;

class PopulateTest : public test::EngineTest, public testing::WithParamInterface<size_t> {
 protected:
  void SetUp() override {
    const Interval one = Interval::From(os::Map(KernelPage()), KernelPage());
    const bool populates = os::Populate(one);
    os::Unmap(one);
    if (!populates) GTEST_SKIP() << "before Linux 5.14";
  }
  void TearDown() override {
    for (void* const block : blocks_) Free(block);
  }

  void Grow(size_t bytes) {
    for (size_t i = 0; i < bytes; i += GetParam()) {
      blocks_.push_back(Allocate(GetParam()));
      pages_.insert(HeaderOf(Address(blocks_.back()), Tag::Of(Address(blocks_.back()))));
    }
  }

  size_t Pages(bool clean, bool resident) const {
    size_t count = 0;
    for (const PageHeader* const page : pages_) count += test::FreePages(*page, clean, resident);
    return count;
  }

  std::vector<void*> blocks_;
  std::set<PageHeader*> pages_;
};

INSTANTIATE_TEST_SUITE_P(Size, PopulateTest, testing::Values(40, 200, 500, 1000, 2000, 3000),
                         [](const auto& instance) { return std::to_string(instance.param); });

TEST_P(PopulateTest, WhatIsResidentIsKnownToBe) {
  size_t most_ahead = 0;
  for (size_t bytes = 0; bytes < 8 * kMiB; bytes += 128 * kKiB) {
    Grow(128 * kKiB);
    EXPECT_EQ(Pages(/*clean=*/true, /*resident=*/true), 0u) << bytes;
    EXPECT_EQ(Pages(/*clean=*/false, /*resident=*/false), 0u) << bytes;
    const size_t ahead = Pages(/*clean=*/false, /*resident=*/true) * KernelPage();
    EXPECT_LE(ahead, std::min(64 * kKiB, bytes / 16) + 32 * kKiB) << bytes;
    most_ahead = std::max(most_ahead, ahead);
    ASSERT_STREQ(VerifyHeap(), nullptr);
  }
  EXPECT_GE(most_ahead, 8 * kKiB);
}

TEST_P(PopulateTest, WhatIsAheadGoesBackUnused) {
  Grow(8 * kMiB + 100 * kKiB);
  GiveAllBack();
  EXPECT_EQ(Pages(/*clean=*/false, /*resident=*/true), 0u);
  EXPECT_EQ(Pages(/*clean=*/true, /*resident=*/true), 0u);
  // Also of a page of which all has gone back before.
  Grow(100 * kKiB);
  GiveAllBack();
  EXPECT_EQ(Pages(/*clean=*/false, /*resident=*/true), 0u);
  EXPECT_EQ(Pages(/*clean=*/true, /*resident=*/true), 0u);
}

TEST_P(PopulateTest, ALittleHeapHasNothingAhead) {
  Grow(16 * kKiB);
  EXPECT_LE(Pages(/*clean=*/false, /*resident=*/true), 1u);
}

// Nothing is to be had that a program cannot afford.
TEST_P(PopulateTest, NorHasOneThatWasRefusedMemory) {
  g_budget.BeShort();
  Grow(8 * kMiB);
  EXPECT_LE(Pages(/*clean=*/false, /*resident=*/true), 2u);
  for (int i = 0; i < 20; ++i) g_budget.Tick();
}

}  // namespace
}  // namespace mymalloc
