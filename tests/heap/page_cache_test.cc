#include "mymalloc/heap/page_cache.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "mymalloc/os/memory.h"
#include "mymalloc/report/inspector.h"
#include "tests/heap/engine.h"

namespace mymalloc {
namespace {

class PageCacheTest : public test::EngineTest {
 protected:
  // Memory that no page or block is in.
  static Interval NewRange(size_t bytes) {
    const uintptr_t begin = os::Map(bytes);
    return {begin, begin + bytes};
  }
  static PageHeader* Format(uintptr_t begin, SizeClass c) {
    return FormatPage(PageAddress(begin), c, CurrentHeap()->id(), /*touched=*/PageBytesOf(c));
  }
  static uint64_t LowOf(SizeClass c) {
    return Tag::Low(CurrentHeap()->id(), c, kFirstSlot) | Tag::kLive;
  }

  std::unique_ptr<PageCache> cache_ = std::make_unique<PageCache>();
};

TEST_F(PageCacheTest, TellsThePageAndTheTagsOfItsBlocks) {
  const SizeClass c = ClassOf(100);
  const Interval range = NewRange(PageBytesOf(c));
  ASSERT_TRUE(g_page_map.Insert(range, Owner(Format(range.begin, c))));
  for (int i = 0; i < 2; ++i) {
    for (const uintptr_t address : {range.begin, range.begin + 5000, range.end - 1}) {
      EXPECT_EQ(cache_->Find(address).page, range.begin);
      EXPECT_EQ(cache_->Find(address).live_low, LowOf(c));
    }
    EXPECT_EQ(cache_->Find(range.begin - 1).page, 0u);
    EXPECT_EQ(cache_->Find(range.end).page, 0u);
    EXPECT_EQ(cache_->Find(0).page, 0u);
  }
  g_page_map.Erase(range.begin);
}

TEST_F(PageCacheTest, WhatIsNoPageIsNone) {
  bool zeroed = false;
  const uintptr_t large = AllocateLarge(kMiB, kBlockAlignment, &zeroed);
  EXPECT_EQ(cache_->Find(large).page, 0u);
  Interval range;
  Owner owner;
  ASSERT_TRUE(g_page_map.Find(large, &range, &owner));
  FreeLarge(owner.large(), owner.large()->block);
  const Interval sampled = NewRange(KernelPage());
  ASSERT_TRUE(g_page_map.Insert(sampled, Owner::Sampled()));
  EXPECT_EQ(cache_->Find(sampled.begin).page, 0u);
  g_page_map.Erase(sampled.begin);
}

TEST_F(PageCacheTest, APageWithABrokenHeaderIsNone) {
  const Interval range = NewRange(PageBytesOf(kSmallestClass));
  PageHeader* const page = Format(range.begin, kSmallestClass);
  ASSERT_TRUE(g_page_map.Insert(range, Owner(page)));
  ++page->check;
  EXPECT_EQ(cache_->Find(range.begin).page, 0u);
  g_page_map.Erase(range.begin);
}

// Insert, Erase, Resize and Move each end every answer.
TEST_F(PageCacheTest, EachEditOfTheMapEndsTheAnswers) {
  const SizeClass c = ClassOf(100);
  const size_t bytes = PageBytesOf(c);
  const Interval range = NewRange(2 * bytes);
  const uintptr_t address = range.begin + bytes - 1;
  EXPECT_EQ(cache_->Find(address).page, 0u);
  ASSERT_TRUE(g_page_map.Insert({range.begin, range.begin + bytes}, Owner(Format(range.begin, c))));
  EXPECT_EQ(cache_->Find(address).page, range.begin);
  EXPECT_EQ(cache_->Find(range.begin + bytes).page, 0u);
  g_page_map.Resize({range.begin, range.begin + bytes}, range.end);
  EXPECT_EQ(cache_->Find(range.begin + bytes).page, range.begin);
  g_page_map.Resize(range, range.begin + KernelPage());
  EXPECT_EQ(cache_->Find(address).page, 0u);
  g_page_map.Erase(range.begin);
  EXPECT_EQ(cache_->Find(range.begin).page, 0u);

  const Interval large = NewRange(4 * KernelPage());
  ASSERT_TRUE(g_page_map.Insert(large, Owner(Format(large.begin, kSmallestClass))));
  EXPECT_EQ(cache_->Find(large.begin).page, large.begin);
  // So long that it cannot stay where it is.
  const uintptr_t moved = g_page_map.Move(large, 64 * kMiB);
  ASSERT_NE(moved, 0u);
  const uintptr_t page = cache_->Find(large.begin).page;
  EXPECT_EQ(page, moved == large.begin ? large.begin : 0);
  g_page_map.Erase(moved);
}

TEST_F(PageCacheTest, APageMadeAnewWithAnotherClassIsSeen) {
  const Interval range = NewRange(PageBytesOf(ClassOf(1000)));
  for (const size_t n : {100u, 1000u, 16u}) {
    const SizeClass c = ClassOf(n);
    const uintptr_t end = range.begin + PageBytesOf(c);
    ASSERT_TRUE(g_page_map.Insert({range.begin, end}, Owner(Format(range.begin, c))));
    EXPECT_EQ(cache_->Find(range.begin).live_low, LowOf(c));
    EXPECT_EQ(cache_->Find(range.begin).live_low, LowOf(c));
    g_page_map.Erase(range.begin);
  }
}

// Two addresses that share an answer's place.
TEST_F(PageCacheTest, AnswersThatShareAPlaceAreToldApart) {
  constexpr size_t kDistance = 256 * KernelPage();
  const Interval memory = NewRange(2 * kDistance);
  for (const uintptr_t begin : {memory.begin, memory.begin + kDistance}) {
    ASSERT_TRUE(g_page_map.Insert({begin, begin + PageBytesOf(kSmallestClass)},
                                  Owner(Format(begin, kSmallestClass))));
  }
  for (int i = 0; i < 3; ++i) {
    for (const uintptr_t begin : {memory.begin, memory.begin + kDistance}) {
      EXPECT_EQ(cache_->Find(begin).page, begin);
    }
  }
  g_page_map.Erase(memory.begin);
  g_page_map.Erase(memory.begin + kDistance);
}

TEST_F(PageCacheTest, AnAnswerFromTheMidstOfAnEditIsNotKept) {
  const Interval range = NewRange(PageBytesOf(kSmallestClass));
  ASSERT_TRUE(g_page_map.Insert(range, Owner(Format(range.begin, kSmallestClass))));
  std::atomic<bool> asking{false};
  std::thread asker;
  {
    EditHolder edit(g_page_map.lock(), Inspector::Edits(g_page_map),
                    Inspector::EditorOf(g_page_map));
    const uint64_t version = g_page_map.Version();
    ASSERT_EQ(version % 2, 1u);
    asker = std::thread([this, &asking, version, range] {
      asking = true;
      const PageCache::Answer& answer = cache_->Find(range.begin);
      EXPECT_EQ(answer.page, range.begin);
      // It read the version then, or after the edit if the scheduler was slow.
      EXPECT_TRUE(answer.version == 0 || answer.version > version);
    });
    while (!asking) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  asker.join();
  EXPECT_EQ(cache_->Find(range.begin).version, g_page_map.Version());
  g_page_map.Erase(range.begin);
}

}  // namespace
}  // namespace mymalloc
