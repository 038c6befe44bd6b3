// The figures by themselves; tests/api asks for them through mallinfo2 and its kin.

#include "mymalloc/report/statistics.h"

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "mymalloc/front/front.h"
#include "mymalloc/misuse/sampled_blocks.h"
#include "mymalloc/report/inspector.h"
#include "mymalloc/supply/totals.h"
#include "tests/heap/engine.h"

namespace mymalloc {
namespace {

class StatisticsTest : public test::EngineTest {
 protected:
  static std::vector<void*> AllocateMany(size_t n, size_t count) {
    std::vector<void*> blocks(count);
    for (void*& block : blocks) block = Allocate(n);
    return blocks;
  }
  static void FreeAll(const std::vector<void*>& blocks) {
    for (void* block : blocks) Free(block);
  }
};

TEST_F(StatisticsTest, LiveBlocksAreThoseThatWereNotFreed) {
  const Statistics before = CountHeap();
  const std::vector<void*> small = AllocateMany(100, 1000);
  const std::vector<void*> medium = AllocateMany(5000, 100);
  Statistics now = CountHeap();
  EXPECT_EQ(now.live.blocks - before.live.blocks, 1100u);
  EXPECT_EQ(now.live.bytes - before.live.bytes,
            1000 * StrideOf(ClassOf(100)) + 100 * StrideOf(ClassOf(5000)));
  FreeAll(small);
  now = CountHeap();
  EXPECT_EQ(now.live.blocks - before.live.blocks, 100u);
  EXPECT_GE(now.FreeBlocks(), 1000u);
  FreeAll(medium);
  now = CountHeap();
  EXPECT_EQ(now.live.blocks, before.live.blocks);
  EXPECT_EQ(now.live.bytes, before.live.bytes);
}

TEST_F(StatisticsTest, ABlockThatGrewOverSlotsIsOneBlock) {
  void* const block = Allocate(2000);
  std::vector<void*> behind = AllocateMany(2000, 20);
  const Statistics before = CountHeap();
  FreeAll(behind);
  CurrentHeap()->Flush();
  ASSERT_EQ(Reallocate(block, 3 * 2000, "realloc"), block);
  const Statistics now = CountHeap();
  EXPECT_EQ(now.live.blocks, before.live.blocks - 20);
  EXPECT_EQ(now.live.bytes, before.live.bytes - 18 * StrideOf(ClassOf(2000)));
  Free(block);
  EXPECT_EQ(CountHeap().live.blocks, before.live.blocks - 21);
}

TEST_F(StatisticsTest, WhatMagazinesHoldIsFree) {
  const std::vector<void*> blocks = AllocateMany(100, 50);
  FreeAll(blocks);
  const Statistics now = CountHeap();
  EXPECT_GE(now.fast.blocks, 50u);
  EXPECT_GE(now.FreeBlocks(), now.fast.blocks);
  CurrentHeap()->Flush();
  EXPECT_LE(CountHeap().fast.blocks, now.fast.blocks - 50);
}

// Blocks that another thread freed are free wherever they are on their way.
TEST_F(StatisticsTest, RemoteFreesCountAtOnce) {
  const Statistics before = CountHeap();
  const std::vector<void*> blocks = AllocateMany(100, 1000);
  std::thread([&] {
    FreeAll(blocks);
    EXPECT_EQ(CountHeap().live.blocks, before.live.blocks);  // some are gathered
  }).join();
  EXPECT_EQ(CountHeap().live.blocks, before.live.blocks);  // some are in remote bitmaps
}

TEST_F(StatisticsTest, LargeBlocksByTheirRanges) {
  const Statistics before = CountHeap();
  const std::vector<void*> blocks = AllocateMany(5 * kMiB, 5);
  Statistics now = CountHeap();
  EXPECT_EQ(now.large.blocks - before.large.blocks, 5u);
  EXPECT_GE(now.large.bytes - before.large.bytes, 25 * kMiB);
  EXPECT_LE(now.large.bytes - before.large.bytes, 25 * kMiB + 5 * 2 * KernelPage());
  FreeAll(blocks);
  now = CountHeap();
  EXPECT_EQ(now.large.blocks, before.large.blocks);
  EXPECT_GE(now.UnownedBytes(), kMiB);
  EXPECT_LE(now.large_freed, 0u) << "held back";
  GiveAllBack();
  EXPECT_EQ(CountHeap().UnownedBytes(), 0u);
}

// Slots that can be handed out, and no others, are counted as free.
TEST_F(StatisticsTest, FreeBlocksAreSlots) {
  GiveAllBack();
  for (const size_t n : {size_t{8}, size_t{100}, size_t{1000}}) {
    const std::vector<void*> blocks = AllocateMany(n, 600);
    const Statistics full = CountHeap();
    FreeAll(blocks);
    const Statistics now = CountHeap();
    EXPECT_EQ(now.FreeBlocks() - full.FreeBlocks(), 600u) << n;
    GiveAllBack();
  }
  size_t slots = 0;
  const std::vector<void*> one = AllocateMany(3000, 1);
  g_page_map.ForEach([&](Interval, Owner owner) {
    if (const PageHeader* page = owner.page()) slots += page->capacity;
  });
  const Statistics now = CountHeap();
  EXPECT_LE(now.FreeBlocks() + now.live.blocks, slots);
  FreeAll(one);
}

TEST_F(StatisticsTest, ABlockThatWasNeverHandedOutIsNotFree) {
  GiveAllBack();
  const Statistics before = CountHeap();
  void* const block = Allocate(64);  // in a new page
  const Statistics now = CountHeap();
  EXPECT_EQ(now.live.blocks, before.live.blocks + 1);
  EXPECT_EQ(now.FreeBlocks(), before.FreeBlocks() + now.fast.blocks - before.fast.blocks);
  Free(block);
}

// What is counted at each change is what counting everything finds.
void ExpectTotalsOf(const Statistics& now) {
  EXPECT_EQ(g_totals.system.now(), now.FromSystem());
  EXPECT_EQ(g_totals.system.unowned(), now.UnownedBytes());
  EXPECT_EQ(g_totals.large_blocks.now(), now.large.blocks);
  EXPECT_EQ(g_totals.large_bytes.now(), now.large.bytes);
}

TEST_F(StatisticsTest, TotalsFollowPages) {
  for (const size_t n :
       {size_t{1}, size_t{100}, size_t{1000}, size_t{5000}, size_t{32000}, 100 * kKiB, kMiB}) {
    const std::vector<void*> blocks = AllocateMany(n, n < 50000 ? 700 : 50);
    ExpectTotalsOf(CountHeap());
    const size_t full = CountHeap().FromSystem();
    FreeAll(blocks);
    ExpectTotalsOf(CountHeap());
    GiveAllBack();
    ExpectTotalsOf(CountHeap());
    EXPECT_GE(g_totals.system.most(), full);
  }
  std::thread([] { FreeAll(AllocateMany(3000, 1000)); }).join();
  ExpectTotalsOf(CountHeap());
}

TEST_F(StatisticsTest, TotalsFollowLargeBlocks) {
  void* block = Allocate(kMiB);
  for (const size_t n : {2 * kMiB, 20 * kMiB, 19 * kMiB, 3 * kMiB, 200 * kMiB, 100 * kMiB}) {
    void* const behind = Allocate(kMiB);  // so that some grow in place, and some move
    block = Reallocate(block, n, "realloc");
    ExpectTotalsOf(CountHeap());
    Free(behind);
  }
  Free(block);
  Free(AllocateAligned(kMiB, 100));
  ExpectTotalsOf(CountHeap());
  GiveAllBack();
  ExpectTotalsOf(CountHeap());
}

TEST_F(StatisticsTest, TheMostStays) {
  const size_t before = g_totals.large_blocks.now();
  FreeAll(AllocateMany(20 * kMiB, 10));
  GiveAllBack();
  EXPECT_EQ(g_totals.large_blocks.now(), before);
  EXPECT_GE(g_totals.large_blocks.most(), before + 10);
  EXPECT_GE(g_totals.large_bytes.most(), 200 * kMiB);
  EXPECT_GE(g_totals.system.most(), 20 * kMiB) << "freed, and not yet given back";
  EXPECT_GE(g_totals.system.most_unowned(), 20 * kMiB);
  EXPECT_LT(g_totals.system.now(), 10 * kMiB);
}

TEST_F(StatisticsTest, SampledBlocksCountAPageEach) {
  g_options.sample = {1};
  const Statistics before = CountHeap();
  uintptr_t blocks[5];
  for (uintptr_t& block : blocks) block = g_sampled.Allocate(100, 16, Kind::kMalloc, /*random=*/0);
  const Statistics now = CountHeap();
  EXPECT_EQ(now.large.blocks - before.large.blocks, 5u);
  EXPECT_EQ(now.large.bytes - before.large.bytes, 5 * KernelPage());
  ExpectTotalsOf(now);
  for (const uintptr_t block : blocks) g_sampled.Free(block, "free");
  EXPECT_EQ(CountHeap().large.bytes, before.large.bytes);
}

// As held back: with its guards, and in a quarantine; a long one is sealed there and costs nothing.
TEST_F(StatisticsTest, WhatIsHeldBackOfLargeBlocksIsFreeMemory) {
  struct Case {
    bool guard_pages;
    uint64_t quarantine;
    size_t size;
    bool resident;
  };
  for (const Case& c : {Case{true, 0, kMiB, true}, Case{false, kMiB, kMiB, true},
                        Case{true, kMiB, kMiB, true}, Case{false, kMiB, 3 * kMiB, false}}) {
    g_options.guard_pages = c.guard_pages;
    g_options.quarantine.value = c.quarantine;
    g_policy = PolicyOf(g_options);
    void* const block = Allocate(c.size);
    Free(block);
    const Statistics now = CountHeap();
    EXPECT_EQ(now.large_freed, c.resident ? c.size + KernelPage() : 0);
    EXPECT_EQ(now.pieces, c.resident ? 1u : 0u);
    ExpectTotalsOf(now);
    GiveAllBack();
    ExpectTotalsOf(CountHeap());
    EXPECT_EQ(CountHeap().large_freed, 0u);
  }
}

// What malloc_info prints of each heap, against the whole.
TEST_F(StatisticsTest, HeapsAddUp) {
  const std::vector<void*> blocks = AllocateMany(100, 3000);
  const std::vector<void*> others = AllocateMany(5000, 700);
  const std::vector<void*> runs = AllocateMany(100 * kKiB, 20);
  for (size_t i = 0; i < runs.size(); i += 2) Free(runs[i]);
  std::thread([&] {
    FreeAll(AllocateMany(300, 1000));
    FreeAll(others);  // of another heap: some are gathered here while it counts
    const Census census;
    ASSERT_TRUE(census.taken());
    const Statistics& all = census.all();
    BlockCount live;
    BlockCount fast;
    BlockCount rest;
    size_t system = 0;
    for (HeapId id = Tag::kNobody; id <= census.highest(); ++id) {
      const HeapStatistics& heap = census.Of(id);
      live = {live.blocks + heap.live.blocks, live.bytes + heap.live.bytes};
      fast = {fast.blocks + heap.fast.blocks, fast.bytes + heap.fast.bytes};
      rest = {rest.blocks + heap.rest.blocks, rest.bytes + heap.rest.bytes};
      system += heap.system;
      EXPECT_GE(heap.most_system, heap.system);
      EXPECT_GE(heap.system, heap.fast.bytes + heap.rest.bytes);
      if (id == Tag::kNobody) continue;
      size_t free = 0;
      for (const uint32_t n : heap.free) free += n;
      EXPECT_EQ(free, heap.fast.blocks + heap.rest.blocks);
    }
    EXPECT_EQ(live.blocks, all.live.blocks);
    EXPECT_EQ(live.bytes, all.live.bytes);
    EXPECT_EQ(fast.blocks, all.fast.blocks);
    EXPECT_EQ(fast.bytes, all.fast.bytes);
    EXPECT_EQ(rest.blocks, all.rest.blocks + all.pieces);
    EXPECT_EQ(rest.bytes, all.rest.bytes + all.UnownedBytes());
    EXPECT_EQ(system, all.FromSystem());
    EXPECT_EQ(census.Of(Tag::kNobody).system, all.UnownedBytes());
    EXPECT_GE(census.Of(CurrentHeap()->id()).free[ClassOf(300)], 1000u);
    EXPECT_LE(census.Of(CurrentHeap()->id()).free[ClassOf(300)], 1000u + kDeepestMagazine);
  }).join();
  FreeAll(blocks);
  for (size_t i = 1; i < runs.size(); i += 2) Free(runs[i]);
}

// tests/api reads all of it.
TEST_F(StatisticsTest, MallocInfoEndsWhereItShould) {
  char* text = nullptr;
  size_t size = 0;
  FILE* const stream = open_memstream(&text, &size);
  EXPECT_EQ(PrintMallocInfo(stream), 0);
  fclose(stream);
  const std::string xml(text, size);
  free(text);
  EXPECT_EQ(xml.find("<malloc version=\"1\">"), 0u);
  EXPECT_EQ(xml.find("</malloc>\n"), xml.size() - 10);
}

}  // namespace
}  // namespace mymalloc
