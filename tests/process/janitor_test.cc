// What goes back to the kernel, and when. The passes are made by hand.

#include "mymalloc/process/janitor.h"

#include <sys/mman.h>

#include <chrono>
#include <thread>
#include <vector>

#include "mymalloc/front/front.h"
#include "mymalloc/report/inspector.h"
#include "mymalloc/supply/tick.h"
#include "tests/heap/engine.h"
#include "tests/support/block.h"
#include "tests/support/residency.h"

namespace mymalloc {
namespace {

using test::Address;
using test::ResidentPages;

class JanitorTest : public test::EngineTest {
 protected:
  static std::vector<char*> AllocateFilled(size_t n, size_t count) {
    std::vector<char*> blocks(count);
    for (char*& block : blocks) {
      block = static_cast<char*>(Allocate(n));
      test::FillPattern(block, n, Address(block));
    }
    return blocks;
  }
  static PageHeader* PageOf(const void* block) {
    return HeaderOf(Address(block), Tag::Of(Address(block)));
  }
  // Kernel pages of a page that are resident though neither header nor block nor tag lies in them.
  static size_t NeedlesslyResident(const PageHeader& page) {
    std::vector<bool> needed(page.bytes() / KernelPage());
    const auto need = [&](uintptr_t begin, uintptr_t end) {
      for (uintptr_t p = RoundDown(begin, KernelPage()); p < end; p += KernelPage()) {
        needed[(p - page.page()) / KernelPage()] = true;
      }
    };
    need(Address(&page), Address(&page + 1));
    // Of a page of long slots, where the first that there is begins.
    const SlotIndex first{1};
    need(page.Block(first) - kTagBytes, page.Block(first));
    for (const SlotIndex slot : Each<SlotIndex>(first, page.slots_end())) {
      const uintptr_t block = page.Block(slot);
      const bool taken = !page.free.Test(slot) && Tag::Of(block).Verifies(block);
      if (taken) need(block - kTagBytes, block + page.stride() - kTagBytes);
    }
    size_t count = 0;
    for (size_t i = 0; i < needed.size(); ++i) {
      if (!needed[i]) count += ResidentPages(page.page() + i * KernelPage(), KernelPage());
    }
    return count;
  }
  // Passes until there is nothing more to give back; returns how many.
  static int PassesUntilQuiet() {
    int passes = 1;
    while (g_janitor.Pass(/*all=*/false) && passes < 20) ++passes;
    return passes;
  }
  static size_t DirtyBytes() { return g_page_supply.DirtyBytes() + g_large_blocks.Bytes(); }
};

TEST_F(JanitorTest, WhatIsFreedGoesBackAfterAFewPassesAndNotAtOnce) {
  const std::vector<char*> blocks = AllocateFilled(1000, 4000);
  const uintptr_t page = PageOf(blocks[2000])->page().value();
  for (char* block : blocks) Free(block);
  g_janitor.Pass(/*all=*/false);
  EXPECT_GT(ResidentPages(page, KernelPage()), 0u);
  EXPECT_LE(PassesUntilQuiet(), 6);
  EXPECT_EQ(ResidentPages(page, 64 * KernelPage()), 0u);
  EXPECT_EQ(DirtyBytes(), 0u);
}

// The rest of what the owner holds goes when it has not been used for as long.
TEST_F(JanitorTest, TheOwnersUnusedMagazineIsEmptiedWhileItsSpillIsYoung) {
  constexpr size_t kSize = 100;
  const SizeClass c = ClassOf(kSize);
  Magazine& magazine = CurrentHeap()->magazine(c);
  for (char* block : AllocateFilled(kSize, 300)) Free(block);
  const unsigned held = magazine.Valid();
  ASSERT_GT(held, 0u);
  g_janitor.Pass(/*all=*/false);
  EXPECT_EQ(magazine.Valid(), held);
  std::vector<char*> blocks = AllocateFilled(kSize, 300);
  for (; blocks.size() > 100 || (!blocks.empty() && magazine.Valid() != held); blocks.pop_back()) {
    Free(blocks.back());
  }
  ASSERT_EQ(magazine.Valid(), held);
  g_janitor.Pass(/*all=*/false);
  EXPECT_EQ(magazine.Valid(), 0u);
  EXPECT_STREQ(VerifyHeap(), nullptr);
  // From the spill, and back.
  for (char* block : AllocateFilled(kSize, 10)) Free(block);
  EXPECT_STREQ(VerifyHeap(), nullptr);
  for (char* block : blocks) Free(block);
}

TEST_F(JanitorTest, LargeBlocksGoBackToo) {
  for (char* block : AllocateFilled(5 * kMiB, 4)) Free(block);
  EXPECT_GE(DirtyBytes(), kMiB) << "some is kept";
  EXPECT_LE(PassesUntilQuiet(), 6);
  EXPECT_EQ(DirtyBytes(), 0u);
}

TEST_F(JanitorTest, AllAtOnceIsOnePass) {
  for (char* block : AllocateFilled(1000, 4000)) Free(block);
  for (char* block : AllocateFilled(5 * kMiB, 4)) Free(block);
  CurrentHeap()->Flush();
  EXPECT_TRUE(g_janitor.Pass(/*all=*/true));
  EXPECT_EQ(DirtyBytes(), 0u);
  EXPECT_EQ(Inspector::EmptyBytes(*CurrentHeap()), 0u);
}

TEST_F(JanitorTest, APassWithNothingToDoSaysSo) {
  g_janitor.Pass(/*all=*/true);
  EXPECT_FALSE(g_janitor.Pass(/*all=*/true));
  EXPECT_FALSE(g_janitor.Pass(/*all=*/false));
}

TEST_F(JanitorTest, AHeapAtWorkKeepsWhatItUses) {
  const SizeClass c = ClassOf(200);
  std::vector<char*> blocks;
  for (int round = 0; round < 10; ++round) {
    blocks = AllocateFilled(200, 2000);
    g_janitor.Pass(/*all=*/false);
    for (char* block : blocks) {
      ASSERT_TRUE(test::MatchesPattern(block, 200, Address(block)));
      Free(block);
    }
    EXPECT_GT(CurrentHeap()->magazine(c).Valid(), 0u);
  }
}

// Every kernel page that lies within a run of free slots, and no byte of a live block.
TEST_F(JanitorTest, HolesInLivePagesGoBackAndNeighboursStayIntact) {
  for (const size_t n : {size_t{100}, size_t{1000}, size_t{5000}, size_t{20000}}) {
    const std::vector<char*> blocks = AllocateFilled(n, 3 * kSlotsPerPage);
    std::vector<char*> kept;
    for (size_t i = 0; i < blocks.size(); ++i) {
      const bool keep = n < KernelPage() ? i / 100 % 2 == 0 : i % 3 == 0;
      if (keep) {
        kept.push_back(blocks[i]);
      } else {
        Free(blocks[i]);
      }
    }
    GiveAllBack();
    EXPECT_EQ(NeedlesslyResident(*PageOf(kept[kept.size() / 2])), 0u) << n;
    for (char* block : kept) {
      ASSERT_TRUE(test::MatchesPattern(block, n, Address(block))) << n;
      ASSERT_TRUE(Tag::Of(Address(block)).Verifies(Address(block)));
    }
    EXPECT_STREQ(VerifyHeap(), nullptr);
    // The holes are filled again, and the neighbours are still as they were.
    const std::vector<char*> again = AllocateFilled(n, 2 * kSlotsPerPage);
    for (const std::vector<char*>& some : {kept, again}) {
      for (char* block : some) {
        ASSERT_TRUE(test::MatchesPattern(block, n, Address(block)));
        Free(block);
      }
    }
    GiveAllBack();
  }
}

// The slots that are taken next are others than those that are resident.
TEST_F(JanitorTest, WhatIsResidentIsGivenBackThoughPurgedSlotsWereTaken) {
  constexpr size_t kBytes = 2000;
  constexpr size_t kSome = 60;
  std::vector<char*> blocks = AllocateFilled(kBytes, kSlotsPerPage - 2);
  const PageHeader& page = *PageOf(blocks[100]);
  for (size_t i = 0; i < kSome; ++i) Free(blocks[i]);
  GiveAllBack();  // low slots
  for (size_t i = 150; i < 150 + kSome; ++i) Free(blocks[i]);
  CurrentHeap()->Flush();
  const std::vector<char*> low = AllocateFilled(kBytes, kSome);
  GiveAllBack();
  EXPECT_EQ(NeedlesslyResident(page), 0u);
  for (char* block : low) Free(block);
  for (size_t i = kSome; i < blocks.size(); ++i) {
    if (i < 150 || i >= 150 + kSome) Free(blocks[i]);
  }
}

// A page in memory that was used before: most of it is resident though never handed out.
TEST_F(JanitorTest, TheUnusedPartOfAPageInUsedMemoryGoesBack) {
  constexpr size_t kUsed = 8 * kMiB;
  const uintptr_t used = g_page_supply.Allocate(kUsed).begin;
  memset(test::Pointer(used), 1, kUsed);
  g_page_supply.Free(used, kUsed);
  const std::vector<char*> blocks = AllocateFilled(20000, 3);
  const PageHeader* page = PageOf(blocks[0]);
  ASSERT_EQ(page->touched_end(), page->slots_end());
  GiveAllBack();
  EXPECT_LE(ResidentPages(page->page().value(), page->bytes()), 3 * 7u + 10);
  EXPECT_STREQ(VerifyHeap(), nullptr);
  for (char* block : blocks) Free(block);
}

// calloc's short cut and the holes: what was called zero must be.
TEST_F(JanitorTest, PurgedSlotsAreNotCalledZeroUnlessTheyAre) {
  constexpr size_t kBytes = 10000;
  const SizeClass c = ClassOf(kBytes);
  for (int round = 0; round < 5; ++round) {
    std::vector<char*> blocks = AllocateFilled(kBytes, 300);
    for (size_t i = 0; i < blocks.size(); i += 2) Free(blocks[i]);
    GiveAllBack();
    for (size_t i = 0; i < blocks.size(); i += 2) {
      const NewBlock fresh = AllocateMedium(kBytes);
      blocks[i] = static_cast<char*>(fresh.pointer);
      ASSERT_TRUE(!fresh.zeroed || test::IsZero(fresh.pointer, UsableOf(c)));
      memset(blocks[i], 0xff, UsableOf(c));
    }
    for (char* block : blocks) Free(block);
  }
}

// What the kernel does not take, as it is locked in memory, is asked for once, and does not keep a
// pass from its end.
TEST_F(JanitorTest, LockedHolesStay) {
  constexpr size_t kBytes = 8000;
  std::vector<char*> blocks = AllocateFilled(kBytes, 120);
  const PageHeader& page = *PageOf(blocks[60]);
  if (mlock(test::Pointer(page.page().value()), page.bytes()) != 0)
    GTEST_SKIP() << "nothing may be locked";
  for (size_t i = 0; i < blocks.size(); i += 2) Free(blocks[i]);
  CurrentHeap()->Flush();
  for (int i = 0; i < 4; ++i) g_janitor.Pass(/*all=*/false);
  EXPECT_EQ(page.dirty, 0u);
  EXPECT_STREQ(VerifyHeap(), nullptr);
  munlock(test::Pointer(page.page().value()), page.bytes());
  for (size_t i = 1; i < blocks.size(); i += 2) Free(blocks[i]);
}

// ---- Without a pass ----

TEST_F(JanitorTest, WhatIsTooMuchGoesBackAtOnce) {
  const size_t most = g_budget.Most() + 2 * static_cast<size_t>(Budget::kStep);
  for (const size_t n : {size_t{100}, size_t{1000}, size_t{20000}, 100 * kKiB, 5 * kMiB}) {
    for (char* block : AllocateFilled(n, 40 * kMiB / n)) Free(block);
    // Each call gives back a part.
    for (int i = 0; i < 10; ++i) g_janitor.Poll();
    EXPECT_LE(g_budget.free(), most + g_budget.extra()) << n;
    EXPECT_LE(DirtyBytes(), most + g_budget.extra()) << n;
    GiveAllBack();
  }
}

// Of whoever has it: the one that frees may have none.
TEST_F(JanitorTest, WhatOthersHaveTooMuchGoesBack) {
  std::atomic<int> stage{0};
  std::thread other([&] {
    std::vector<char*> blocks = AllocateFilled(3000, 20000);
    for (size_t i = 0; i < blocks.size(); ++i) {
      if (i % 64 != 0) Free(blocks[i]);
    }
    stage = 1;
    while (stage != 2) std::this_thread::yield();
    for (size_t i = 0; i < blocks.size(); i += 64) Free(blocks[i]);
  });
  while (stage != 1) std::this_thread::yield();
  for (int i = 0; i < 40; ++i) g_janitor.Poll();
  EXPECT_LE(g_budget.free(), g_budget.Most());
  stage = 2;
  other.join();
}

TEST_F(JanitorTest, TicksPassByTheClock) {
  g_options.decay = Millis{20};
  Inspector::StartTick(g_janitor);
  for (char* block : AllocateFilled(1000, 2000)) Free(block);
  const uint16_t tick = CurrentTick();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  bool quiet = false;
  while (!quiet && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    g_janitor.Poll();
    quiet = DirtyBytes() == 0 && Inspector::DirtyBytes(*CurrentHeap()) == 0;
  }
  EXPECT_TRUE(quiet);
  EXPECT_GE(static_cast<uint16_t>(CurrentTick() - tick), 2);
}

// A program at its limit that goes on asking is refused quickly.
TEST_F(JanitorTest, ReclaimGivesBackAllAndSaysWhenThereIsNothing) {
  for (char* block : AllocateFilled(1000, 2000)) Free(block);
  EXPECT_TRUE(g_janitor.Reclaim());
  EXPECT_EQ(DirtyBytes(), 0u);
  EXPECT_FALSE(g_janitor.Reclaim());
  for (char* block : AllocateFilled(1000, 4000)) Free(block);
  EXPECT_TRUE(g_janitor.Reclaim());
}

// Memory that an idle thread holds goes back without its doing.
TEST_F(JanitorTest, TakesFromThreadsThatAreIdle) {
#if defined(MYMALLOC_SANITIZED)
  GTEST_SKIP() << "the sanitizers cannot see what orders the stealing from magazines";
#endif
  std::atomic<int> stage{0};
  std::atomic<unsigned> left{0};
  std::thread idle([&] {
    for (char* block : AllocateFilled(300, 3000)) Free(block);
    const Magazine& magazine = CurrentHeap()->magazine(ClassOf(300));
    EXPECT_GT(magazine.Valid(), 8u);
    stage = 1;
    while (stage != 2) std::this_thread::yield();
    left = magazine.Valid();
    for (char* block : AllocateFilled(300, 3000)) Free(block);  // goes on as if nothing were
  });
  while (stage != 1) std::this_thread::yield();
  PassesUntilQuiet();
  EXPECT_EQ(g_page_supply.DirtyBytes(), 0u);
  EXPECT_STREQ(VerifyHeap(), nullptr);
  stage = 2;
  idle.join();
  EXPECT_LE(left, 1u);
}

}  // namespace
}  // namespace mymalloc
