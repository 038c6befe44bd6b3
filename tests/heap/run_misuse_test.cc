// What is done wrong with long blocks that are runs: found at once, and exactly once.

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/heap/faults.h"
#include "tests/heap/runs.h"

namespace mymalloc {
namespace {

using test::Address;
using test::Pointer;

class RunMisuseTest : public test::RunTestBase {
 protected:
  test::Faults faults_;
};

TEST_F(RunMisuseTest, ASecondFreeIsFound) {
  for (const size_t n : {33 * kKiB, 256 * kKiB, 2 * kMiB}) {
    void* const block = Allocate(n);
    void* const other = Allocate(n);  // the page stays
    Free(block);
    Free(block);
    EXPECT_EQ(faults_.TakeOne().what, "double free") << n;
    const size_t stride = StrideOf(RunFor(n, 1).size_class);
    Free(Pointer(Address(block) + 2 * stride));
    EXPECT_EQ(faults_.TakeOne().what, "invalid pointer") << n << ": inside of it";
    Free(other);
  }
}

TEST_F(RunMisuseTest, ASecondFreeByAnotherThreadIsFound) {
  void* const block = Allocate(100 * kKiB);
  void* const other = Allocate(100 * kKiB);
  Free(block);
  std::thread([&] { Free(block); }).join();
  EXPECT_EQ(faults_.TakeOne().what, "double free");
  // Not yet collected by its owner, and after that.
  std::thread([&] { Free(other); }).join();
  EXPECT_TRUE(faults_.Take().empty());
  Free(other);
  EXPECT_EQ(faults_.TakeOne().what, "double free");
  std::thread([&] { Free(other); }).join();
  EXPECT_EQ(faults_.TakeOne().what, "double free");
  CurrentHeap()->Flush();
  Free(other);
  EXPECT_EQ(faults_.TakeOne().what, "double free");
}

// The owner and another thread, at the same instant: one of them does it, the other is told.
TEST_F(RunMisuseTest, OfTwoThreadsThatFreeOneAtOnceOneIsTold) {
  constexpr int kRounds = 2000;
  std::atomic<int> round{0};
  std::atomic<int> done{0};
  std::atomic<void*> block{nullptr};
  std::thread other([&] {
    for (int i = 1; i <= kRounds; ++i) {
      while (round != i) __builtin_ia32_pause();
      Free(block);
      done = i;
    }
  });
  void* const keep = Allocate(100 * kKiB);
  size_t told = 0;
  for (int i = 1; i <= kRounds; ++i) {
    block = Allocate(40 * kKiB);
    void* const mine = block;
    round = i;
    for (int delay = i % 64; delay > 0; --delay) __builtin_ia32_pause();
    Free(mine);
    while (done != i) __builtin_ia32_pause();
    CurrentHeap()->Flush();
    for (const auto& seen : faults_.Take()) told += seen.what == "double free" ? 1u : 1000000u;
    if (i % 500 == 0) {
      ASSERT_STREQ(VerifyHeap(), nullptr);
    }
  }
  other.join();
  EXPECT_EQ(told, size_t{kRounds});
  Free(keep);
}

TEST_F(RunMisuseTest, PointersIntoItNameTheWholeBlock) {
  for (const size_t n : {33 * kKiB, 300 * kKiB}) {
    char* const block = static_cast<char*>(Allocate(n));
    memset(block, 0, Usable(block));
    const size_t stride = PageOf(block)->stride();
    for (const size_t offset : {size_t{16}, stride, stride + 16, 3 * stride, Usable(block) - 8}) {
      Free(block + offset);
      const auto seen = faults_.TakeOne();
      EXPECT_EQ(seen.what, "invalid pointer") << offset;
      EXPECT_EQ(seen.block.begin, Address(block)) << offset;
      EXPECT_EQ(seen.block.usable, Usable(block)) << offset;
      EXPECT_STREQ(seen.block.state, "live") << offset;
    }
    Free(block);
  }
}

TEST_F(RunMisuseTest, AWritePastItsEndIsFoundAtItsFree) {
  for (const size_t n : {33 * kKiB, 300 * kKiB}) {
    char* const block = static_cast<char*>(Allocate(n));
    const size_t usable = Usable(block);
    block[usable] ^= 1;
    Free(block);
    const auto seen = faults_.TakeOne();
    EXPECT_EQ(seen.detail, "what lies behind the block was overwritten.");
    EXPECT_EQ(seen.block.begin, Address(block));
    EXPECT_EQ(seen.block.usable, usable);
    block[usable] ^= 1;
  }
}

TEST_F(RunMisuseTest, ABrokenTagIsFound) {
  char* const block = static_cast<char*>(Allocate(100 * kKiB));
  block[-3] ^= 1;
  Free(block);
  EXPECT_EQ(faults_.TakeOne().detail, "the tag before the block was overwritten.");
  block[-3] ^= 1;
  Free(block);
  EXPECT_TRUE(faults_.Take().empty());
}

// A tag that was copied from elsewhere, or written for another length.
TEST_F(RunMisuseTest, ACopiedTagDoesNotVerify) {
  const std::vector<void*> blocks = SideBySide(100 * kKiB, 2);
  const uint64_t before = TagOf(blocks[0]).bits();
  Tag::WriteBits(Address(blocks[0]), TagOf(blocks[1]).bits());
  Free(blocks[0]);
  EXPECT_EQ(faults_.TakeOne().what, "corrupted heap");
  Tag::WriteBits(Address(blocks[0]), before);
  Free(blocks[0]);
  Free(blocks[1]);
  EXPECT_TRUE(faults_.Take().empty());
}

TEST_F(RunMisuseTest, AFreedOneCannotBeResized) {
  void* const block = Allocate(100 * kKiB);
  void* const other = Allocate(100 * kKiB);
  Free(block);
  EXPECT_EQ(Reallocate(block, 50 * kKiB, "realloc"), nullptr);
  EXPECT_EQ(faults_.TakeOne().what, "double free");
  EXPECT_EQ(UsableSize(block, "malloc_usable_size"), 0u);
  EXPECT_EQ(faults_.TakeOne().what, "double free");
  Free(other);
}

}  // namespace
}  // namespace mymalloc
