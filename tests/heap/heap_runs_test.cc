// Blocks that realloc grows over the slots behind their own.

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "mymalloc/front/front.h"
#include "mymalloc/misuse/diagnose.h"
#include "mymalloc/page/page.h"
#include "tests/heap/engine.h"
#include "tests/heap/faults.h"
#include "tests/support/block.h"

namespace mymalloc {
namespace {

using test::Address;
using test::Pointer;

constexpr size_t kSize = 2000;

class HeapRunsTest : public test::EngineTest {
 protected:
  static constexpr size_t kBlocks = 40;

  // Blocks side by side, of which the first lies in the page's slot `blocks_[0]`.
  HeapRunsTest() {
    for (size_t i = 0; i < kBlocks; ++i) blocks_.push_back(Address(Allocate(kSize)));
    std::sort(blocks_.begin(), blocks_.end());
    stride_ = StrideOf(ClassOf(kSize));
  }
  ~HeapRunsTest() override {
    for (const uintptr_t block : blocks_) Free(Pointer(block));
    CurrentHeap()->Flush();
  }

  // Frees [first, last) as far as the bitmap.
  void FreeBlocks(size_t first, size_t last) {
    for (size_t i = first; i < last; ++i) Free(Pointer(blocks_[i]));
    const auto begin = blocks_.begin();
    blocks_.erase(begin + static_cast<long>(first), begin + static_cast<long>(last));
    CurrentHeap()->Flush();
  }
  // The i-th block, grown in place to so many slots.
  void* MakeRun(size_t i, size_t slots) {
    FreeBlocks(i + 1, i + slots);
    void* const block = Pointer(blocks_[i]);
    EXPECT_EQ(Reallocate(block, UsableOfRun(slots), "realloc"), block);
    return block;
  }
  size_t UsableOfRun(size_t slots) const { return slots * stride_ - kTagBytes; }
  static PageHeader* PageOf(uintptr_t block) { return HeaderOf(block, Tag::Of(block)); }
  static unsigned SlotsOf(const void* block) { return Tag::Of(Address(block)).slots().value(); }

  std::vector<uintptr_t> blocks_;
  size_t stride_ = 0;
};

TEST_F(HeapRunsTest, ABlockGrowsOverFreeSlotsAndKeepsWhatItHolds) {
  test::FillPattern(Pointer(blocks_[3]), UsableOf(ClassOf(kSize)), 1);
  void* const block = MakeRun(3, 3);
  EXPECT_EQ(UsableSize(block, "test"), UsableOfRun(3));
  EXPECT_TRUE(test::MatchesPattern(block, UsableOf(ClassOf(kSize)), 1));
  EXPECT_STREQ(VerifyHeap(), nullptr);
  memset(block, 0xff, UsableOfRun(3));
  EXPECT_STREQ(VerifyHeap(), nullptr);
}

TEST_F(HeapRunsTest, ARunGrowsOn) {
  void* const block = MakeRun(2, 2);
  FreeBlocks(3, 6);
  test::FillPattern(block, UsableOfRun(2), 2);
  EXPECT_EQ(Reallocate(block, UsableOfRun(4) - 100, "realloc"), block);
  EXPECT_EQ(SlotsOf(block), 4u);
  EXPECT_TRUE(test::MatchesPattern(block, UsableOfRun(2), 2));
}

TEST_F(HeapRunsTest, AsManySlotsAsTheSizeNeedsAreTaken) {
  FreeBlocks(1, 9);
  void* const block = Pointer(blocks_[0]);
  ASSERT_EQ(Reallocate(block, UsableOfRun(2), "realloc"), block);
  EXPECT_EQ(SlotsOf(block), 2u);
  ASSERT_EQ(Reallocate(block, UsableOfRun(2) + 1, "realloc"), block);
  EXPECT_EQ(SlotsOf(block), 3u);
}

TEST_F(HeapRunsTest, ItMovesWhereASlotIsTaken) {
  FreeBlocks(4, 5);
  void* const block = Pointer(blocks_[3]);
  test::FillPattern(block, kSize, 3);
  void* const moved = Reallocate(block, UsableOfRun(3), "realloc");
  EXPECT_NE(moved, block);
  EXPECT_TRUE(test::MatchesPattern(moved, kSize, 3));
  blocks_[3] = Address(moved);
}

// To reach into memory that was never used would make more of the page resident than the blocks
// that malloc takes anew.
TEST_F(HeapRunsTest, ItMovesWhereTheMemoryWasNeverTouched) {
  // What lies in the magazine was touched too.
  uintptr_t last = blocks_.back();
  while (Tag::Of(last).slot() + kOneSlot < PageOf(last)->touched_end()) {
    last = Address(Allocate(kSize));
    blocks_.push_back(last);
  }
  const unsigned high_water = PageOf(last)->high_water;
  void* const moved = Reallocate(Pointer(last), UsableOfRun(2), "realloc");
  EXPECT_NE(Address(moved), last);
  EXPECT_EQ(PageOf(blocks_[0])->high_water, high_water);
  blocks_.back() = Address(moved);
}

TEST_F(HeapRunsTest, NotOverThePagesEnd) {
  PageHeader* const page = PageOf(blocks_[0]);
  const SlotIndex last_but_one = page->slots_end() - SlotCount{2};
  std::vector<void*> others;
  void* last = nullptr;
  while (last == nullptr) {
    void* const block = Allocate(kSize);
    const Tag tag = Tag::Of(Address(block));
    const bool is_last = PageOf(Address(block)) == page && tag.slot() >= last_but_one;
    (is_last ? last : others.emplace_back()) = block;
  }
  ASSERT_EQ(Tag::Of(Address(last)).slot(), last_but_one);
  void* const end = Allocate(kSize);
  Free(end);
  CurrentHeap()->Flush();
  ASSERT_EQ(page->free_count, 1u);
  EXPECT_EQ(Reallocate(last, UsableOfRun(2), "realloc"), last);
  memset(last, 0xff, UsableOfRun(2));
  EXPECT_EQ(page->free_count, 0u);
  EXPECT_STREQ(VerifyHeap(), nullptr);
  for (void* const block : others) Free(block);
  void* const moved = Reallocate(last, UsableOfRun(2) + 1, "realloc");
  EXPECT_NE(moved, last);
  Free(moved);
}

TEST_F(HeapRunsTest, ALongerOneThanTheLargestSlotMovesToWhereLongOnesAre) {
  void* const block = MakeRun(0, 4);
  test::FillPattern(block, UsableOfRun(4), 4);
  void* const moved = Reallocate(block, 100000, "realloc");
  EXPECT_NE(moved, block);
  EXPECT_TRUE(IsRunClass(Tag::Of(Address(moved)).size_class()));
  EXPECT_TRUE(test::MatchesPattern(moved, UsableOfRun(4), 4));
  blocks_[0] = Address(moved);
}

TEST_F(HeapRunsTest, ItShrinksOnlyIfThatIsWorthIt) {
  void* const block = MakeRun(0, 4);
  EXPECT_EQ(Reallocate(block, UsableOfRun(2), "realloc"), block);
  EXPECT_EQ(SlotsOf(block), 4u);
  void* const moved = Reallocate(block, 300, "realloc");
  EXPECT_NE(moved, block);
  blocks_[0] = Address(moved);
}

TEST_F(HeapRunsTest, ShortBlocksMove) {
  void* const a = Allocate(100);
  void* const b = Allocate(100);
  Free(b);
  CurrentHeap()->Flush();
  void* const grown = Reallocate(a, 210, "realloc");
  EXPECT_NE(grown, a);
  Free(grown);
}

TEST_F(HeapRunsTest, AnotherThreadMayGrowAndFreeIt) {
  void* const block = MakeRun(5, 2);
  FreeBlocks(6, 7);
  std::thread([&] {
    EXPECT_EQ(Reallocate(block, UsableOfRun(3), "realloc"), block);
    Free(block);
  }).join();
  blocks_.erase(blocks_.begin() + 5);
  CurrentHeap()->Flush();
  EXPECT_STREQ(VerifyHeap(), nullptr);
}

// What is inside may look like a tag, and change meanwhile: nobody takes it for one.
TEST_F(HeapRunsTest, OthersLookBesideTheProgramsWrites) {
  auto* const block = static_cast<uint64_t*>(MakeRun(5, 3));
  const uintptr_t inside = Address(block) + stride_ + stride_ / 2;
  std::thread other([inside, block] {
    for (int i = 0; i < 2000; ++i) {
      const Finding finding = Look(inside);
      ASSERT_EQ(finding.block, Address(block));
      ASSERT_EQ(finding.slots, SlotCount{3});
    }
  });
  for (uint64_t i = 0; i < 200; ++i) std::fill(block, block + UsableOfRun(3) / 8, i << 32 | i);
  other.join();
}

TEST_F(HeapRunsTest, ItsSlotsServeAgain) {
  void* const block = MakeRun(0, 3);
  const uintptr_t begin = Address(block);
  Free(block);
  blocks_.erase(blocks_.begin());
  for (int i = 0; i < 3; ++i) {
    blocks_.push_back(Address(Allocate(kSize)));
    EXPECT_LT(blocks_.back() - begin, 3 * stride_);
  }
}

class HeapRunsMisuseTest : public HeapRunsTest {
 protected:
  test::Faults faults_;
};

TEST_F(HeapRunsMisuseTest, ASecondFreeIsFound) {
  void* const block = MakeRun(0, 3);
  const uintptr_t begin = blocks_[0];
  Free(block);
  blocks_.erase(blocks_.begin());
  Free(block);
  EXPECT_EQ(faults_.TakeOne().what, "double free");
  for (size_t i = 1; i < 3; ++i) {
    Free(Pointer(begin + i * stride_));
    EXPECT_EQ(faults_.TakeOne().what, "invalid pointer") << i << ": inside of what was freed";
  }
}

// Two threads at once may both find a run that is live.
TEST_F(HeapRunsMisuseTest, OnlyOneCanFreeIt) {
  void* const block = MakeRun(0, 3);
  const Tag tag = Tag::Of(Address(block));
  PageHeader* const page = PageOf(blocks_[1]);
  EXPECT_TRUE(CurrentHeap()->FreeRun(page, Address(block), tag));
  EXPECT_FALSE(CurrentHeap()->FreeRun(page, Address(block), tag));
  EXPECT_FALSE(Heap::FreeRunRemotely(/*own=*/nullptr, page, Address(block), tag));
  EXPECT_FALSE(CurrentHeap()->ResizeRun(page, Address(block), tag, SlotCount{2}));
  blocks_.erase(blocks_.begin());
}

// Its owner may be any number then. What is broken is reported elsewhere.
TEST_F(HeapRunsMisuseTest, ABlockInAPageWithABrokenHeaderMoves) {
  FreeBlocks(4, 6);
  PageHeader* const page = PageOf(blocks_[3]);
  const HeapId heap = page->heap();
  page->heap_number = 0xffff;
  void* const moved = Reallocate(Pointer(blocks_[3]), UsableOfRun(2), "realloc");
  page->heap_number = heap.value() & 0xffff;
  EXPECT_NE(Address(moved), blocks_[3]);
  blocks_[3] = Address(moved);
}

TEST_F(HeapRunsMisuseTest, PointersIntoItNameTheWholeBlock) {
  char* const block = static_cast<char*>(MakeRun(0, 3));
  memset(block, 0, UsableOfRun(3));
  for (const size_t offset : {size_t{16}, stride_, stride_ + 16, 2 * stride_, UsableOfRun(3) - 8}) {
    Free(block + offset);
    const auto seen = faults_.TakeOne();
    EXPECT_EQ(seen.what, "invalid pointer") << offset;
    EXPECT_EQ(seen.block.begin, Address(block)) << offset;
    EXPECT_EQ(seen.block.usable, UsableOfRun(3)) << offset;
    EXPECT_STREQ(seen.block.state, "live") << offset;
  }
}

// Before the program has written there: what were the tags of the slots are none now.
TEST_F(HeapRunsMisuseTest, TheSlotsBehindAreNoFreeBlocks) {
  void* const block = MakeRun(0, 3);
  Free(Pointer(Address(block) + stride_));
  EXPECT_EQ(faults_.TakeOne().what, "invalid pointer");
  EXPECT_EQ(UsableSize(Pointer(Address(block) + 2 * stride_), "test"), 0u);
  EXPECT_EQ(faults_.TakeOne().what, "invalid pointer");
}

TEST_F(HeapRunsMisuseTest, AWritePastItsEndIsFoundAtItsFree) {
  char* const block = static_cast<char*>(MakeRun(0, 2));
  const uint64_t fence = Tag::Of(Address(block) + 2 * stride_).bits();
  block[UsableOfRun(2)] ^= 1;
  Free(block);
  const auto seen = faults_.TakeOne();
  EXPECT_EQ(seen.detail, "what lies behind the block was overwritten.");
  EXPECT_EQ(seen.block.begin, Address(block));
  EXPECT_EQ(seen.block.usable, UsableOfRun(2));
  Tag::WriteBits(Address(block) + 2 * stride_, fence);
  blocks_.erase(blocks_.begin());
}

TEST_F(HeapRunsMisuseTest, ABrokenTagBehindItNamesTheRunAsTheOneBefore) {
  char* const block = static_cast<char*>(MakeRun(0, 2));
  const uint64_t tag = Tag::Of(Address(block)).bits();
  block[-3] ^= 1;
  Free(block);
  EXPECT_EQ(faults_.TakeOne().detail, "the tag before the block was overwritten.");
  Tag::WriteBits(Address(block), tag);
}

TEST_F(HeapRunsTest, RandomReallocsKeepTheHeapSound) {
  std::mt19937_64 random(1);
  struct Live {
    void* block;
    size_t size;
    uint64_t seed;
  };
  std::vector<Live> live;
  int runs = 0;
  for (int i = 0; i < 30000; ++i) {
    if (live.size() < 100 || random() % 8 == 0) {
      const size_t n = 900 + random() % 5000;
      live.push_back({Allocate(n), n, random()});
    } else {
      std::swap(live[random() % live.size()], live.back());
      Live& last = live.back();
      ASSERT_TRUE(test::MatchesPattern(last.block, last.size, last.seed));
      if (random() % 3 == 0 || live.size() > 300) {
        Free(last.block);
        live.pop_back();
        continue;
      }
      const size_t n = 900 + (last.size + random() % 4000) % 31000;
      last.block = Reallocate(last.block, n, "realloc");
      ASSERT_TRUE(test::MatchesPattern(last.block, Min(n, last.size), last.seed));
      last.size = n;
      runs += Tag::Of(Address(last.block)).IsRun() ? 1 : 0;
    }
    test::FillPattern(live.back().block, live.back().size, live.back().seed);
    if (i % 500 == 0) {
      ASSERT_STREQ(VerifyHeap(), nullptr);
    }
  }
  EXPECT_GT(runs, 10);
  for (const Live& each : live) Free(each.block);
}

}  // namespace
}  // namespace mymalloc
