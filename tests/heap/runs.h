// What the tests of long blocks, which are runs of slots, share.

#ifndef MYMALLOC_TESTS_HEAP_RUNS_H_
#define MYMALLOC_TESTS_HEAP_RUNS_H_

#include <cstdint>
#include <vector>

#include "mymalloc/front/front.h"
#include "mymalloc/page/page.h"
#include "mymalloc/report/statistics.h"
#include "mymalloc/supply/page_map.h"
#include "tests/heap/engine.h"
#include "tests/support/block.h"

namespace mymalloc::test {

class RunTestBase : public EngineTest {
 protected:
  ~RunTestBase() override { CurrentHeap()->Flush(); }

  static Tag TagOf(const void* block) { return Tag::Of(Address(block)); }
  static PageHeader* PageOf(const void* block) { return HeaderOf(Address(block), TagOf(block)); }
  static bool IsRun(const void* block) {
    return IsRunClass(TagOf(block).size_class()) && TagOf(block).IsRun();
  }
  static bool IsLarge(const void* block) {
    Interval range;
    Owner owner;
    return g_page_map.Find(Address(block), &range, &owner) && owner.large() != nullptr;
  }
  // The most that so many slots of the shorter, or the longer, stride can hold.
  static size_t ShortRun(SlotCount slots) { return slots * StrideOf(kShortRuns) - kTagBytes; }
  static size_t LongRun(SlotCount slots) { return slots * StrideOf(kLongRuns) - kTagBytes; }
  static size_t Usable(void* block) { return UsableSize(block, "test"); }
  static size_t PagesOfRuns() {
    size_t pages = 0;
    g_page_map.ForEach([&](Interval, Owner owner) {
      if (owner.page() != nullptr && IsRunClass(owner.page()->size_class())) ++pages;
    });
    return pages;
  }
  // Blocks of n bytes side by side: in a page that is new, or was empty.
  static std::vector<void*> SideBySide(size_t n, size_t count) {
    std::vector<void*> blocks(count);
    for (void*& block : blocks) block = Allocate(n);
    for (size_t i = 1; i < count; ++i) {
      const Tag before = TagOf(blocks[i - 1]);
      EXPECT_EQ(PageOf(blocks[i]), PageOf(blocks[0]));
      EXPECT_EQ(TagOf(blocks[i]).slot(), before.slot() + before.slots());
    }
    return blocks;
  }
};

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_HEAP_RUNS_H_
