// A thread's heap by its own interface: magazines, pages, what others free.

#include "mymalloc/heap/heap.h"

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include "mymalloc/report/inspector.h"
#include "tests/heap/engine.h"
#include "tests/support/block.h"

namespace mymalloc {
namespace {

using test::Pointer;

constexpr size_t kSmall = 48;

class HeapTest : public test::EngineTest {
 protected:
  static uintptr_t Allocate(SizeClass c) {
    const uintptr_t entry = CurrentHeap()->magazine(c).Pop();
    if (entry == 0) return BlockOf(CurrentHeap()->AllocateSlow(c));
    MarkLive(BlockOf(entry));
    return BlockOf(entry);
  }
  static std::vector<uintptr_t> Allocate(SizeClass c, size_t count) {
    std::vector<uintptr_t> blocks(count);
    for (uintptr_t& block : blocks) block = Allocate(c);
    return blocks;
  }
  static void Free(uintptr_t block) {
    const Tag tag = Tag::Of(block);
    tag.Free().WriteTo(block);
    if (!CurrentHeap()->magazine(tag.size_class()).Push(block))
      CurrentHeap()->FreeSlow(block, tag.size_class());
  }
  static void FreeAll(const std::vector<uintptr_t>& blocks) {
    for (const uintptr_t block : blocks) Free(block);
  }
  // How many of the blocks lie in the magazines and the spill.
  static size_t CountHeld(const std::vector<uintptr_t>& blocks) {
    LockHolder holder(CurrentHeap()->lock());
    size_t held = 0;
    for (const uintptr_t block : blocks) held += CurrentHeap()->Holds(block) ? 1u : 0u;
    return held;
  }
  // Of empty pages no more than a heap keeps.
  static constexpr size_t kKept = 1 << 20;
  static bool TakesOver(SizeClass from, SizeClass to);
  // So that the heap is not small.
  static std::vector<uintptr_t> AllocateOthers() {
    const SizeClass c = ClassOf(2000);
    return Allocate(c, (20 << 20) / StrideOf(c));
  }
  static size_t PagesOf(SizeClass c) {
    size_t pages = 0;
    g_page_map.ForEach([&](Interval, Owner owner) {
      if (owner.page() != nullptr && owner.page()->size_class() == c) ++pages;
    });
    return pages;
  }
};

TEST_F(HeapTest, BlocksOfEveryClassAreApartTaggedAndUsable) {
  std::vector<std::pair<uintptr_t, size_t>> blocks;
  for (const SizeClass c : EachSizeClass()) {
    for (int i = 0; i < 20; ++i) {
      const uintptr_t block = Allocate(c);
      ASSERT_NE(block, 0u);
      ASSERT_EQ(block % kBlockAlignment, 0u);
      const Tag tag = Tag::Of(block);
      ASSERT_TRUE(tag.Verifies(block));
      ASSERT_TRUE(tag.live());
      ASSERT_EQ(tag.heap(), CurrentHeap()->id());
      ASSERT_EQ(tag.size_class(), c);
      test::FillPattern(Pointer(block), UsableOf(c), block);
      blocks.emplace_back(block, UsableOf(c));
    }
  }
  EXPECT_STREQ(VerifyHeap(), nullptr);
  for (const auto& [block, usable] : blocks) {
    ASSERT_TRUE(test::MatchesPattern(Pointer(block), usable, block));
    Free(block);
  }
}

TEST_F(HeapTest, WhatIsMarkedZeroedIsZero) {
  for (SizeClass c = SmallClassOf(kLargestSmall) + 1; c < kFirstRunClass; ++c) {
    if (!IsRegular(c)) continue;
    std::vector<uintptr_t> blocks;
    for (int i = 0; i < 30; ++i) {
      const uintptr_t entry = CurrentHeap()->AllocateSlow(c);
      const uintptr_t block = BlockOf(entry);
      ASSERT_TRUE(entry == block || test::IsZero(Pointer(block), UsableOf(c))) << c.value();
      memset(Pointer(block), 0xff, UsableOf(c));
      blocks.push_back(block);
      if (i % 3 == 0) {
        Free(blocks.back());
        blocks.pop_back();
        if (i % 2 == 0) CurrentHeap()->Flush();
      }
    }
    FreeAll(blocks);
  }
}

// Slow start: a program that allocates once touches one slot.
TEST_F(HeapTest, TheFirstAllocationsTakeFewSlots) {
  const SizeClass c = ClassOf(kSmall);
  const uintptr_t block = Allocate(c);
  EXPECT_EQ(CurrentHeap()->magazine(c).Valid(), 0u);
  const uintptr_t second = Allocate(c);
  EXPECT_LE(CurrentHeap()->magazine(c).Valid(), 1u);
  FreeAll({block, second});
}

TEST_F(HeapTest, ReusesTheLastFreedFirst) {
  const SizeClass c = ClassOf(kSmall);
  const std::vector<uintptr_t> blocks = Allocate(c, 20);
  FreeAll(blocks);
  for (size_t i = blocks.size(); i-- > 0;) EXPECT_EQ(Allocate(c), blocks[i]);
  FreeAll(blocks);
}

TEST_F(HeapTest, AFullPageIsFilledBeforeTheNextBegins) {
  for (const SizeClass c : {ClassOf(8), ClassOf(kSmall), ClassOf(5000)}) {
    const unsigned in_a_page = SlotsOf(c).value();
    const std::vector<uintptr_t> blocks = Allocate(c, in_a_page - 6);
    EXPECT_LE(PagesOf(c), 2u);
    const std::vector<uintptr_t> more = Allocate(c, 5 * in_a_page);
    EXPECT_LE(PagesOf(c), 8u);
    EXPECT_EQ(std::set<uintptr_t>(more.begin(), more.end()).size(), more.size());
    FreeAll(blocks);
    FreeAll(more);
  }
}

TEST_F(HeapTest, EmptyPagesGoBackOnceThereIsMoreThanALittle) {
  const SizeClass c = ClassOf(1000);
  FreeAll(Allocate(c, 20000));
  EXPECT_STREQ(VerifyHeap(), nullptr);
  EXPECT_LE(PagesOf(c) * PageBytesOf(c), g_budget.Most() / 2 + kMiB);
  GiveAllBack();
  EXPECT_EQ(PagesOf(c), 0u);
}

TEST_F(HeapTest, PartlyUsedPagesAreFilledBeforeNewOnes) {
  const SizeClass c = ClassOf(kSmall);
  std::vector<uintptr_t> blocks = Allocate(c, 10 * kSlotsPerPage);
  const size_t pages = PagesOf(c);
  std::vector<uintptr_t> kept;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (i % 2 == 0) {
      kept.push_back(blocks[i]);
    } else {
      Free(blocks[i]);
    }
  }
  CurrentHeap()->Flush();
  EXPECT_STREQ(VerifyHeap(), nullptr);
  const std::vector<uintptr_t> again = Allocate(c, 4 * kSlotsPerPage);
  EXPECT_EQ(PagesOf(c), pages);
  FreeAll(kept);
  FreeAll(again);
}

// Whether a new page of class `to` is made of what pages of class `from` leave behind.
bool HeapTest::TakesOver(SizeClass from, SizeClass to) {
  GiveAllBack();
  const std::vector<uintptr_t> blocks = Allocate(from, kKept / StrideOf(from));
  FreeAll(blocks);
  CurrentHeap()->Flush();
  const size_t pages = PagesOf(from);
  const uintptr_t block = Allocate(to);
  const bool inside = std::any_of(blocks.begin(), blocks.end(), [block](uintptr_t b) {
    return b / KernelPage() == block / KernelPage();
  });
  EXPECT_EQ(inside, PagesOf(from) < pages);
  Free(block);
  return inside;
}

TEST_F(HeapTest, EmptyPagesOfOneClassServeAnother) {
  const std::vector<uintptr_t> others = AllocateOthers();
  const SizeClass small = ClassOf(40);
  const SizeClass medium = ClassOf(500);
  EXPECT_TRUE(TakesOver(medium, small));
  EXPECT_TRUE(TakesOver(small, medium));
  FreeAll(others);
}

// There the pieces that nobody wants would be much of the whole.
TEST_F(HeapTest, EmptyPagesOfASmallHeapStayWithTheirClass) {
  EXPECT_FALSE(TakesOver(ClassOf(500), ClassOf(40)));
}

// It would be cut up, and gone when a page of its own class is wanted again.
TEST_F(HeapTest, AMuchLongerEmptyPageDoesNotServeAShortOne) {
  const std::vector<uintptr_t> others = AllocateOthers();
  EXPECT_FALSE(TakesOver(ClassOf(1000), ClassOf(16)));
  FreeAll(others);
}

TEST_F(HeapTest, WhatOthersFreeComesBack) {
  for (const SizeClass c : {ClassOf(8), ClassOf(kSmall), ClassOf(1024), ClassOf(8000)}) {
    const std::vector<uintptr_t> blocks = Allocate(c, 3 * kSlotsPerPage);
    const size_t pages = PagesOf(c);
    std::thread([&] {
      EnsureHeap();
      for (const uintptr_t block : blocks) {
        const Tag tag = Tag::Of(block);
        tag.Free().WriteTo(block);
        ASSERT_TRUE(CurrentHeap()->FreeRemote(block, tag));
      }
      EXPECT_STREQ(VerifyHeap(), nullptr);
    }).join();
    EXPECT_STREQ(VerifyHeap(), nullptr);
    const std::vector<uintptr_t> again = Allocate(c, 3 * kSlotsPerPage);
    EXPECT_LE(PagesOf(c), pages + 1) << c.value();
    FreeAll(again);
    GiveAllBack();
    EXPECT_EQ(PagesOf(c), 0u);
  }
}

TEST_F(HeapTest, AGatheredBlockFreedAgainIsSaid) {
  const SizeClass c = ClassOf(kSmall);
  const uintptr_t block = Allocate(c);
  std::thread([&] {
    EnsureHeap();
    const Tag tag = Tag::Of(block);
    tag.Free().WriteTo(block);
    EXPECT_TRUE(CurrentHeap()->FreeRemote(block, tag));
    EXPECT_FALSE(CurrentHeap()->FreeRemote(block, tag));
  }).join();
}

// A block that went back to an empty page a second time, as by two threads that free at once.
TEST_F(HeapTest, ADroppedDoubleFreeChangesNothing) {
  g_options.on_error = OnError::kIgnore;
  for (const size_t count : {1u, 2u, 300u}) {
    const std::vector<uintptr_t> blocks = Allocate(ClassOf(kSmall), count);
    FreeAll(blocks);
    CurrentHeap()->Flush();
    MarkLive(blocks[0]);  // the second thread has looked before the first was done
    Free(blocks[0]);
    CurrentHeap()->Flush();
    EXPECT_STREQ(VerifyHeap(), nullptr) << count;
    GiveAllBack();
  }
}

TEST_F(HeapTest, HoldsBlocksInMagazineAndSpill) {
  const SizeClass c = ClassOf(kSmall);
  const std::vector<uintptr_t> blocks = Allocate(c, 500);
  FreeAll(blocks);
  EXPECT_GT(CountHeld(blocks), kDeepestMagazine);
  CurrentHeap()->Flush();
  EXPECT_EQ(CountHeld(blocks), 0u);
}

}  // namespace
}  // namespace mymalloc
