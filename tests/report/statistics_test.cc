// The figures by themselves; tests/api asks for them through mallinfo2 and its kin.

#include "mymalloc/report/statistics.h"

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "mymalloc/front/front.h"
#include "mymalloc/heap/inspector.h"
#include "mymalloc/heap/totals.h"
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
  EXPECT_GE(now.free.blocks, 1000u);
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
  EXPECT_GE(now.in_magazines.blocks, 50u);
  EXPECT_GE(now.free.blocks, now.in_magazines.blocks);
  CurrentHeap()->Flush();
  EXPECT_LE(CountHeap().in_magazines.blocks, now.in_magazines.blocks - 50);
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

TEST_F(StatisticsTest, LargeBlocksByTheirMappings) {
  const Statistics before = CountHeap();
  const std::vector<void*> blocks = AllocateMany(3 * kMiB, 5);
  Statistics now = CountHeap();
  EXPECT_EQ(now.large.blocks - before.large.blocks, 5u);
  EXPECT_GE(now.large.bytes - before.large.bytes, 15 * kMiB);
  EXPECT_LE(now.large.bytes - before.large.bytes, 15 * kMiB + 5 * 2 * kOsPage);
  FreeAll(blocks);
  now = CountHeap();
  EXPECT_EQ(now.large.blocks, before.large.blocks);
  EXPECT_GE(now.large_cached, 15 * kMiB);
  GiveAllBack();
  EXPECT_EQ(CountHeap().large_cached, 0u);
}

// Slots that can be handed out, and no others, are counted as free.
TEST_F(StatisticsTest, FreeBlocksAreSlots) {
  GiveAllBack();
  for (const size_t n : {size_t{8}, size_t{100}, size_t{1000}}) {
    const std::vector<void*> blocks = AllocateMany(n, 600);
    const Statistics full = CountHeap();
    FreeAll(blocks);
    const Statistics now = CountHeap();
    EXPECT_EQ(now.free.blocks - full.free.blocks, 600u) << n;
    GiveAllBack();
  }
  size_t slots = 0;
  const std::vector<void*> one = AllocateMany(3000, 1);
  g_page_map.ForEach([&](Interval, Owner owner) {
    if (const PageHeader* page = owner.page()) slots += page->capacity;
  });
  const Statistics now = CountHeap();
  EXPECT_LE(now.free.blocks + now.live.blocks, slots);
  FreeAll(one);
}

TEST_F(StatisticsTest, ABlockThatWasNeverHandedOutIsNotFree) {
  GiveAllBack();
  const Statistics before = CountHeap();
  void* const block = Allocate(64);  // in a new page
  const Statistics now = CountHeap();
  EXPECT_EQ(now.live.blocks, before.live.blocks + 1);
  EXPECT_EQ(now.free.blocks,
            before.free.blocks + now.in_magazines.blocks - before.in_magazines.blocks);
  Free(block);
}

// What is counted at each change is what counting everything finds.
void ExpectTotalsOf(const Statistics& now) {
  EXPECT_EQ(g_totals.system.now(), now.FromSystem());
  EXPECT_EQ(g_totals.large_blocks.now(), now.large.blocks);
  EXPECT_EQ(g_totals.large_bytes.now(), now.large.bytes);
}

TEST_F(StatisticsTest, TotalsFollowPages) {
  for (const size_t n : {size_t{1}, size_t{100}, size_t{1000}, size_t{5000}, size_t{32000}}) {
    const std::vector<void*> blocks = AllocateMany(n, 700);
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
}

TEST_F(StatisticsTest, MallocInfoIsWellFormedAndItsTotalsAgree) {
  const std::vector<void*> blocks = AllocateMany(100, 500);
  char* text = nullptr;
  size_t size = 0;
  FILE* const stream = open_memstream(&text, &size);
  EXPECT_EQ(PrintMallocInfo(stream), 0);
  fclose(stream);
  const std::string xml(text, size);
  free(text);
  EXPECT_EQ(xml.find("<malloc version=\"1\">"), 0u);
  EXPECT_NE(xml.find("</malloc>\n"), std::string::npos);
  const auto count = [&](const std::string& what) {
    size_t n = 0;
    for (size_t at = xml.find(what); at != std::string::npos; at = xml.find(what, at + 1)) ++n;
    return n;
  };
  EXPECT_EQ(count("<heap nr="), g_registry.HighestId());
  EXPECT_EQ(count("<heap nr="), count("</heap>"));
  FreeAll(blocks);
}

}  // namespace
}  // namespace mymalloc
