#include "mymalloc/misuse/sampled_blocks.h"

#include <cstring>
#include <memory>
#include <vector>

#include "mymalloc/base/lock.h"
#include "mymalloc/large/large.h"
#include "tests/heap/engine.h"
#include "tests/heap/faults.h"
#include "tests/refused/memory_calls.h"
#include "tests/support/block.h"
#include "tests/support/residency.h"

namespace mymalloc {
namespace {

using test::Pointer;

constexpr uint64_t kAtEnd = 0;
constexpr uint64_t kAtStart = ~uint64_t{0};

class SampledBlocksTest : public test::EngineTest {
 protected:
  SampledBlocksTest() : pool_(NewPool()) { g_options.sample = {1}; }

  // Their address ranges stay in the page map, so they stay, too.
  static SampledBlocks& NewPool() {
    static std::vector<std::unique_ptr<SampledBlocks>> pools;
    pools.push_back(std::make_unique<SampledBlocks>());
    return *pools.back();
  }

  ~SampledBlocksTest() override {
    EXPECT_STREQ(pool_.Verify(), nullptr);
    // The heap's verifier knows of one pool only.
    LockHolder holder(g_large_blocks.lock());
    g_large_blocks.CountLive(-size_t{pool_.live()}, -size_t{pool_.live()} * KernelPage());
  }

  static uintptr_t PageOf(uintptr_t block) { return block / KernelPage() * KernelPage(); }
  uintptr_t New(size_t n = 100, size_t alignment = kBlockAlignment, uint64_t random = kAtEnd) {
    return pool_.Allocate(n, alignment, Kind::kMalloc, random);
  }
  void Free(uintptr_t block) { pool_.Free(block, "free"); }
  std::vector<uintptr_t> UseAll() {
    std::vector<uintptr_t> blocks;
    while (const uintptr_t block = New()) blocks.push_back(block);
    return blocks;
  }

  SampledBlocks& pool_;
  test::Faults faults_;
};

TEST_F(SampledBlocksTest, LiesAtThePagesEndOrStart) {
  for (size_t n = 0; n <= KernelPage() - kBlockAlignment; n += n < 64 ? 1 : 61) {
    const uintptr_t at_end = New(n, 1, kAtEnd);
    ASSERT_NE(at_end, 0u) << n;
    EXPECT_EQ(at_end % kBlockAlignment, 0u);
    const uintptr_t page_end = PageOf(at_end) + KernelPage();
    EXPECT_LE(at_end + n, page_end);
    EXPECT_LT(page_end - (at_end + n), kBlockAlignment + (n == 0 ? 1 : 0)) << n;
    const uintptr_t at_start = New(n, 1, kAtStart);
    EXPECT_EQ(at_start, PageOf(at_start) + kBlockAlignment);
    EXPECT_TRUE(test::IsZero(Pointer(at_start), n));
    memset(Pointer(at_start), 1, n);
    memset(Pointer(at_end), 1, n);
    Free(at_start);
    Free(at_end);
    ASSERT_TRUE(faults_.Take().empty()) << n;
  }
}

TEST_F(SampledBlocksTest, IsAlignedOrNotThere) {
  for (size_t alignment = 1; alignment <= 4 * KernelPage(); alignment *= 2) {
    for (const size_t n : {0u, 1u, 100u, 2048u, 2049u, 4080u, 4081u, 5000u}) {
      for (const uint64_t random : {kAtEnd, kAtStart}) {
        const bool fits =
            n <= KernelPage() - (alignment > kBlockAlignment ? alignment : kBlockAlignment) &&
            alignment <= KernelPage() / 2;
        const uintptr_t block = SampledBlocks::Fits(n, alignment) ? New(n, alignment, random) : 0;
        ASSERT_EQ(block != 0, fits) << alignment << " " << n;
        if (!fits) continue;
        EXPECT_EQ(block % alignment, 0u);
        EXPECT_LE(block + n, PageOf(block) + KernelPage());
        EXPECT_GE(block, PageOf(block) + kBlockAlignment);
        Free(block);
      }
    }
  }
  EXPECT_EQ(pool_.live(), 0u);
  EXPECT_TRUE(faults_.Take().empty());
}

TEST_F(SampledBlocksTest, AWriteToAnyByteOfTheMarginsIsReported) {
  constexpr size_t kSize = 1000;
  for (size_t i = 0; i < KernelPage(); i += i == 0 || i > KernelPage() - 300 ? 1U : 13U) {
    for (const uint64_t random : {kAtEnd, kAtStart}) {
      const uintptr_t block = New(kSize, 1, random);
      const uintptr_t byte = PageOf(block) + i;
      const bool inside = byte >= block && byte < block + kSize;
      *reinterpret_cast<unsigned char*>(byte) ^= 1;
      Free(block);
      const auto fault = faults_.TakeOne();
      ASSERT_EQ(fault.what, inside ? "" : "corrupted heap") << i;
      if (inside) continue;
      EXPECT_EQ(fault.detail, byte < block ? "what lies before the block was overwritten."
                                           : "what lies behind the block was overwritten.");
      EXPECT_EQ(fault.block.begin, block);
    }
  }
}

TEST_F(SampledBlocksTest, SlotsAreUsedUpAndTheOneFreedLongestAgoIsNext) {
  const std::vector<uintptr_t> blocks = UseAll();
  ASSERT_EQ(blocks.size(), SampledBlocks::kSlots);
  EXPECT_EQ(pool_.live(), SampledBlocks::kSlots);
  const unsigned freed[] = {200, 3, 77};
  for (const unsigned i : freed) Free(blocks[i]);
  for (const unsigned i : freed) EXPECT_EQ(New(), blocks[i]);
  EXPECT_EQ(New(), 0u);
  for (const uintptr_t block : blocks) Free(block);
  EXPECT_EQ(pool_.live(), 0u);
  for (const uintptr_t block : blocks) EXPECT_EQ(New(), block);
}

TEST_F(SampledBlocksTest, MemoryIsClearedWhenASlotIsUsedAgain) {
  const std::vector<uintptr_t> blocks = UseAll();
  memset(Pointer(blocks[0]), 1, 100);
  Free(blocks[0]);
  ASSERT_EQ(New(), blocks[0]);
  EXPECT_TRUE(test::IsZero(Pointer(blocks[0]), 100));
}

TEST_F(SampledBlocksTest, APageThatCannotBeSealedIsFreeAtOnceAndSealedLater) {
  const uintptr_t blocks[] = {New(), New(), New()};
  memset(Pointer(blocks[1]), 1, 100);
  test::FailAll(",seal,");
  Free(blocks[1]);
  Free(blocks[2]);
  EXPECT_EQ(pool_.live(), 1u);
  Free(blocks[1]);
  EXPECT_EQ(faults_.TakeOne().what, "double free");
  // They are not clear yet, so others are used as long as there are any.
  EXPECT_EQ(UseAll().size(), SampledBlocks::kSlots - 3);
  EXPECT_TRUE(test::IsReadable(blocks[1]));
  EXPECT_STREQ(pool_.Verify(), nullptr);
  test::FailAll("");
  Free(blocks[0]);
  for (const uintptr_t block : blocks) EXPECT_FALSE(test::IsReadable(block));
  for (const unsigned i : {1u, 2u, 0u}) EXPECT_EQ(New(), blocks[i]);
  EXPECT_TRUE(test::IsZero(Pointer(blocks[1]), 100));
  EXPECT_EQ(pool_.live(), SampledBlocks::kSlots);
}

TEST_F(SampledBlocksTest, WhatCouldNotBeSealedIsSealedForTheNextBlock) {
  std::vector<uintptr_t> blocks = UseAll();
  test::FailAll(",seal,");
  for (const uintptr_t block : blocks) Free(block);
  EXPECT_EQ(pool_.live(), 0u);
  EXPECT_EQ(New(), 0u);
  test::FailAll("");
  EXPECT_EQ(UseAll(), blocks);
}

TEST_F(SampledBlocksTest, WithoutAPageThereIsNoBlockAndNothingIsLost) {
  test::FailAll(",commit,");
  EXPECT_EQ(New(), 0u);
  EXPECT_EQ(pool_.live(), 0u);
  test::FailAll("");
  EXPECT_EQ(UseAll().size(), SampledBlocks::kSlots);
}

TEST_F(SampledBlocksTest, FindLiveTellsTheSizeOfALiveBlock) {
  const uintptr_t block = New(123);
  size_t size = 0;
  EXPECT_TRUE(pool_.FindLive(block, "realloc", &size));
  EXPECT_EQ(size, 123u);
  EXPECT_FALSE(pool_.FindLive(block + 16, "realloc", &size));
  EXPECT_EQ(faults_.TakeOne().what, "invalid pointer");
  Free(block);
  EXPECT_FALSE(pool_.FindLive(block, "realloc", &size));
  EXPECT_EQ(faults_.TakeOne().what, "double free");
}

TEST_F(SampledBlocksTest, WhatIsNoLiveBlockIsReportedAndNothingIsFreed) {
  const uintptr_t block = New(200);
  for (const uintptr_t wrong : {block + 1, block + 16, block - 16, PageOf(block)}) {
    Free(wrong);
    const auto fault = faults_.TakeOne();
    EXPECT_EQ(fault.what, "invalid pointer");
    EXPECT_EQ(fault.block.begin, block);
    EXPECT_STREQ(fault.block.state, "live");
  }
  EXPECT_EQ(pool_.live(), 1u);
  Free(block);
  EXPECT_TRUE(faults_.Take().empty());
  Free(block);
  EXPECT_EQ(faults_.TakeOne().what, "double free");
  Free(block + 16);
  EXPECT_EQ(faults_.TakeOne().what, "invalid pointer");
  Free(PageOf(block) + 2 * KernelPage());  // a slot that was never used
  const auto fault = faults_.TakeOne();
  EXPECT_EQ(fault.what, "invalid pointer");
  EXPECT_EQ(fault.block.begin, 0u);
  EXPECT_EQ(pool_.live(), 0u);
}

TEST_F(SampledBlocksTest, AnAddressOnAGuardPageIsTheNearerBlocks) {
  const uintptr_t below = New(100, 1, kAtEnd);
  const uintptr_t above = New(100, 1, kAtEnd);  // far from its page's start
  ASSERT_EQ(PageOf(above), PageOf(below) + 2 * KernelPage());
  const uintptr_t guard = PageOf(below) + KernelPage();
  EXPECT_EQ(pool_.Nearest(guard - 2 * KernelPage()).block, below);
  EXPECT_EQ(pool_.Nearest(guard).block, below);
  EXPECT_EQ(pool_.Nearest(guard + KernelPage() - 200).block, below);
  EXPECT_EQ(pool_.Nearest(guard + KernelPage() - 1).block, above);
  EXPECT_EQ(pool_.Nearest(above).block, above);
  // Behind it is a slot that was never used.
  EXPECT_EQ(pool_.Nearest(PageOf(above) + 2 * KernelPage() - 1).block, above);
  const uintptr_t third = New(100, 1, kAtStart);
  const uintptr_t second_guard = PageOf(above) + KernelPage();
  EXPECT_EQ(pool_.Nearest(second_guard + 10).block, above);
  EXPECT_EQ(pool_.Nearest(second_guard + KernelPage() - 10).block, third);
}

TEST_F(SampledBlocksTest, TheLastGuardIsTheLastSlots) {
  const std::vector<uintptr_t> blocks = UseAll();
  EXPECT_EQ(pool_.Nearest(PageOf(blocks.back()) + 2 * KernelPage() - 1).block, blocks.back());
  EXPECT_EQ(pool_.Nearest(PageOf(blocks.front()) - KernelPage()).block, blocks.front());
}

TEST_F(SampledBlocksTest, AFewLiveOnesAreEnoughWhereBytesAreCounted) {
  g_options.sample = kUnaskedSampling;
  std::vector<uintptr_t> blocks = UseAll();
  EXPECT_EQ(blocks.size(), SampledBlocks::kMostLiveByBytes);
  const uintptr_t freed = blocks.back();
  Free(freed);
  blocks.back() = New();
  EXPECT_NE(blocks.back(), 0u);
  EXPECT_NE(blocks.back(), freed) << "a slot rests as long as with any other number";
  EXPECT_EQ(New(), 0u);
}

TEST_F(SampledBlocksTest, APoolWithoutMemorySamplesNothingUntilThereIsSome) {
  test::FailAll(",reserve,");
  EXPECT_EQ(New(), 0u);
  EXPECT_STREQ(pool_.Verify(), nullptr);
  test::FailAll("");
  EXPECT_NE(New(), 0u);
}

}  // namespace
}  // namespace mymalloc
