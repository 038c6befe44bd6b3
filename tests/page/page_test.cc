#include "mymalloc/page/page.h"

#include <sys/mman.h>

#include <cstring>
#include <set>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

constexpr Each<SlotIndex> kAllSlots(kFirstSlot, SlotIndex{kSlotsPerPage});

// Room for a page of any class at any of the colours of its header.
class PageTest : public testing::Test {
 protected:
  static constexpr size_t kBytes =
      PageBytesOf(SizeClass{kPageClasses - 2}) + 2 * kHeaderColours * kPageUnit;

  PageTest() {
    g_tag_secret.Set(0x123456789abcdef, 0xfedcba987654321);
    void* const memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    EXPECT_NE(memory, MAP_FAILED);
    begin_ = reinterpret_cast<uintptr_t>(memory);
  }
  ~PageTest() override { munmap(reinterpret_cast<void*>(begin_), kBytes); }
  PageTest(const PageTest&) = delete;
  PageTest& operator=(const PageTest&) = delete;

  // Where a page has its header at one of the colours.
  PageAddress At(size_t i) const { return PageAddress(begin_ + i % kHeaderColours * kPageUnit); }

  uintptr_t begin_;
};

// Whether the slot's tag or block shares a byte with the header, asked byte range by byte range.
bool UnderHeader(const PageHeader& page, SlotIndex slot) {
  const uintptr_t header = reinterpret_cast<uintptr_t>(&page);
  const uintptr_t begin = page.Block(slot) - kTagBytes;
  const uintptr_t end = begin + page.stride();
  return begin < header + sizeof(PageHeader) && header < end;
}

// Of memory that was touched all over, or not at all.
void CheckFresh(const PageHeader& page, SizeClass c, HeapId heap, bool zeroed) {
  EXPECT_TRUE(page.Intact());
  EXPECT_EQ(page.heap(), heap);
  EXPECT_EQ(page.size_class(), c);
  EXPECT_EQ(page.high_water, zeroed ? 0u : page.slots().value());
  EXPECT_EQ(page.free_count, page.capacity);
  EXPECT_EQ(page.free_count, page.free.Count());
  EXPECT_TRUE(page.AllFree());
  EXPECT_EQ(page.TouchedBytes(), zeroed ? 0u : page.slots() * page.stride());
  EXPECT_EQ(page.dirty, zeroed ? 0u : page.capacity);
  EXPECT_EQ(page.UsedSlots(), zeroed ? 0u : page.capacity);
  for (const PageHeader::QueueLink& link : page.queue) EXPECT_EQ(link.next, nullptr);
  EXPECT_EQ(page.purged, 0u);
  for (unsigned w = 0; w < AtomicSlotBitmap::kWords; ++w) EXPECT_EQ(page.remote.Peek(w), 0u);
}

TEST_F(PageTest, NoFreeSlotOverlapsTheHeaderOrThePagesEdges) {
  for (const SizeClass c : EachPageClass()) {
    for (size_t i = 0; i < kHeaderColours; ++i) {
      const uintptr_t address = begin_ + i * kPageUnit;
      const PageHeader* page = FormatPage(PageAddress(address), c, HeapId{7}, PageBytesOf(c));
      CheckFresh(*page, c, HeapId{7}, false);
      for (const SlotIndex slot : kAllSlots) {
        const bool there = slot != kFirstSlot && slot < page->slots_end();
        const bool usable = there && !UnderHeader(*page, slot);
        ASSERT_EQ(page->free.Test(slot), usable)
            << "class " << c.value() << " slot " << slot.value();
        ASSERT_EQ(page->Block(slot), address + slot.value() * StrideOf(c));
        ASSERT_TRUE(!usable || page->Block(slot) + UsableOf(c) <= address + PageBytesOf(c));
      }
    }
  }
}

// Lost are the first slot and those that the header touches: it may straddle one more than it
// fills.
TEST_F(PageTest, AlmostEverySlotCanBeHandedOut) {
  for (const SizeClass c : EachPageClass()) {
    const size_t filled = (sizeof(PageHeader) + StrideOf(c) - 1) / StrideOf(c);
    const size_t most_lost = 1 + filled + 1;
    for (size_t i = 0; i < kHeaderColours; ++i) {
      const PageHeader* page = FormatPage(At(i), c, HeapId{1}, 0);
      EXPECT_GE(page->capacity + most_lost, SlotsOf(c).value()) << StrideOf(c);
    }
  }
}

TEST_F(PageTest, HeadersLieInTheFirstUnitAtManyLines) {
  std::set<uintptr_t> lines;
  for (size_t i = 0; i < 2 * kHeaderColours; ++i) {
    const uintptr_t address = begin_ + i * kPageUnit;
    const uintptr_t header = reinterpret_cast<uintptr_t>(HeaderOf(PageAddress(address)));
    EXPECT_GE(header, address);
    EXPECT_LE(header + sizeof(PageHeader), address + kPageUnit);
    EXPECT_EQ(HeaderOf(PageAddress(address))->page().value(), address);
    EXPECT_EQ(header % alignof(PageHeader), 0u);
    lines.insert(header - address);
  }
  EXPECT_EQ(lines.size(), kHeaderColours);
}

TEST_F(PageTest, ABlocksTagLeadsToItsHeader) {
  for (const SizeClass c : EachPageClass()) {
    PageHeader* const page = FormatPage(At(c.value()), c, HeapId{3}, 0);
    for (const SlotIndex slot : kAllSlots) {
      if (!page->free.Test(slot)) continue;
      const uintptr_t block = page->Block(slot);
      ASSERT_EQ(HeaderOf(block, Tag::Make(block, HeapId{3}, c, slot)), page);
    }
  }
}

// All tags and full blocks written: the header is as before, and so are all tags.
TEST_F(PageTest, FullBlocksLeaveHeaderAndTagsIntact) {
  for (SizeClass c = kSmallestClass; IsPageClass(c); c = c + (StrideOf(c) < 20000 ? 1U : 7U)) {
    PageHeader* const page = FormatPage(At(c.value()), c, HeapId{9}, 0);
    for (const SlotIndex slot : kAllSlots) {
      if (!page->free.Test(slot)) continue;
      const uintptr_t block = page->Block(slot);
      memset(reinterpret_cast<void*>(block), 0xee, UsableOf(c));
      Tag::Make(block, HeapId{9}, c, slot).WriteTo(block);
    }
    CheckFresh(*page, c, HeapId{9}, true);
    for (const SlotIndex slot : kAllSlots) {
      const uintptr_t block = page->Block(slot);
      ASSERT_TRUE(!page->free.Test(slot) || Tag::Of(block).Verifies(block));
    }
  }
}

TEST_F(PageTest, FormatsUsedMemory) {
  for (SizeClass c = kSmallestClass; c < kFirstRunClass; c = c + 5) {
    memset(reinterpret_cast<void*>(begin_), 0xff, kPageUnit);
    CheckFresh(*FormatPage(PageAddress(begin_), c, HeapId{2}, PageBytesOf(c)), c, HeapId{2}, false);
  }
}

// What lies below is dirty, what lies above is as good as new.
TEST_F(PageTest, FormatsMemoryThatWasUsedInPart) {
  for (const SizeClass c : EachPageClass()) {
    for (size_t touched = kPageUnit; touched <= PageBytesOf(c); touched = touched * 3 / 2) {
      const PageHeader* const page = FormatPage(PageAddress(begin_), c, HeapId{2}, touched);
      ASSERT_EQ(page->dirty, page->free_count - page->clean.Count());
      for (const SlotIndex slot : page->EachSlot()) {
        const uintptr_t begin = page->Block(slot) - kTagBytes;
        ASSERT_TRUE(slot < page->touched_end() || begin >= begin_ + touched)
            << c.value() << " " << slot.value();
        if (!page->free.Test(slot)) continue;
        ASSERT_EQ(page->clean.Test(slot), slot >= page->touched_end());
        ASSERT_TRUE(page->clean.Test(slot) || begin < begin_ + touched)
            << c.value() << " " << slot.value();
      }
    }
  }
}

TEST_F(PageTest, AChangedHeaderIsNotIntact) {
  PageHeader* const page =
      FormatPage(PageAddress(begin_), SizeClass{10}, HeapId{2}, PageBytesOf(SizeClass{10}));
  ASSERT_TRUE(page->Intact());
  page->heap_number = 3;
  EXPECT_FALSE(page->Intact());
  page->heap_number = 2;
  page->class_number = 11;
  EXPECT_FALSE(page->Intact());
  page->class_number = 10;
  page->capacity = (page->capacity - 1) & 0xff;
  EXPECT_FALSE(page->Intact());
  page->capacity = (page->capacity + 1) & 0xff;
  EXPECT_TRUE(page->Intact());
  page->check ^= 1u << 31;
  EXPECT_FALSE(page->Intact());
}

TEST_F(PageTest, ACopiedHeaderIsNotIntact) {
  const PageHeader* page =
      FormatPage(PageAddress(begin_), SizeClass{10}, HeapId{2}, PageBytesOf(SizeClass{10}));
  void* const copy = HeaderOf(PageAddress(begin_ + kPageUnit));
  memcpy(copy, static_cast<const void*>(page), sizeof(PageHeader));
  EXPECT_FALSE(static_cast<PageHeader*>(copy)->Intact());
}

}  // namespace
}  // namespace mymalloc
