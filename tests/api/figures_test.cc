// Every figure of mallinfo2, malloc_info and malloc_stats, against what the test itself has
// allocated and freed, and against what the kernel says is resident.

#include "tests/api/figures.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "mymalloc/page/size_class.h"
#include "tests/support/block.h"
#include "tests/support/memory_usage.h"

namespace mymalloc::test {
namespace {

constexpr size_t kMost = 100000;
constexpr size_t kTag = 8;  // before each block in a page

// Blocks of one size, in a fixed array, so that only they count.
class Blocks {
 public:
  void Allocate(size_t size, size_t count) {
    count_ = count;
    bytes_ = 0;
    for (size_t i = 0; i < count; ++i) {
      starts_[i] = malloc(size);
      if (starts_[i] == nullptr) abort();
      memset(starts_[i], 1, size);
      // The usable size may be what was asked for.
      bytes_ +=
          size <= kLargestMedium ? StrideOf(ClassOf(size)) : malloc_usable_size(starts_[i]) + kTag;
    }
  }
  void Free() {
    for (size_t i = 0; i < count_; ++i) free(starts_[i]);
    count_ = 0;
  }
  // Slots and all. Of those that are freed in turn all have the same.
  size_t bytes() const { return bytes_; }

 private:
  void* starts_[kMost];
  size_t count_ = 0;
  size_t bytes_ = 0;
};

Blocks blocks;
Blocks others;

bool IsHardened() { return getenv("MYMALLOC_HARDEN") != nullptr; }

Figures Agreed() {
  const Figures figures = ReadFigures();
  ExpectAgreement(figures);
  return figures;
}

size_t FreeBlocks(const Figures& figures) { return figures.info.ordblks + figures.info.smblks; }

// What changed between two readings.
ptrdiff_t Change(size_t before, size_t after) { return static_cast<ptrdiff_t>(after - before); }

#define EXPECT_CHANGE(before, after, what, expected) \
  EXPECT_EQ(Change((before).what, (after).what), static_cast<ptrdiff_t>(expected))

// Slots in random order reach further into their pages.
size_t Slack() { return (IsHardened() ? 256 : 8) * kKiB; }

// The same, but for slots that are used for the first time, and are free: the test's own.
#define EXPECT_CHANGE_NEARLY(before, after, what, expected)             \
  EXPECT_NEAR(static_cast<double>(Change((before).what, (after).what)), \
              static_cast<double>(static_cast<ptrdiff_t>(expected)), static_cast<double>(Slack()))

class FiguresTest : public testing::Test {
 protected:
  FiguresTest() {
    Agreed();  // what the first time needs
    malloc_trim(0);
    before_ = Agreed();
  }
  Figures before_;
};

TEST_F(FiguresTest, SmallBlocks) {
  constexpr size_t kCount = 5000;
  for (const size_t size : {size_t{1}, size_t{16}, size_t{100}, size_t{160}}) {
    const Figures empty = Agreed();
    blocks.Allocate(size, kCount);
    const Figures full = Agreed();
    EXPECT_CHANGE(empty, full, info.uordblks, blocks.bytes()) << size;
    EXPECT_CHANGE(empty, full, info.hblks, 0) << size;
    EXPECT_EQ(full.Stat("live blocks") - empty.Stat("live blocks"), kCount) << size;

    blocks.Free();
    const Figures freed = Agreed();
    EXPECT_CHANGE(full, freed, info.uordblks, -blocks.bytes()) << size;
    EXPECT_CHANGE_NEARLY(full, freed, info.fordblks, blocks.bytes()) << size;
    EXPECT_CHANGE_NEARLY(full, freed, info.arena, 0) << size;
    EXPECT_GE(FreeBlocks(freed), FreeBlocks(full) + kCount) << size;
    EXPECT_LE(FreeBlocks(freed), FreeBlocks(full) + kCount + 200) << size;
    EXPECT_GE(freed.info.smblks, 64u) << "in magazines";
    EXPECT_GE(freed.info.fsmblks, 64 * size);
    malloc_trim(0);
  }
}

// What may be free and resident: beyond that it goes back as it is freed. Most of it is the extra
// for what was given back and is used again, as here in turn.
constexpr size_t kMostFree = (64 + 16) * kMiB;

// Those that are longer than what a heap keeps of its own: pages go to the page supply, and from
// there to the kernel.
TEST_F(FiguresTest, LongerBlocks) {
  constexpr size_t kCount = 2000;
  for (const size_t size : {size_t{1000}, size_t{5000}, size_t{32000}, 100 * kKiB}) {
    if (IsHardened() && size >= 100 * kKiB) break;  // a mapping of its own
    const Figures empty = Agreed();
    blocks.Allocate(size, kCount);
    const Figures full = Agreed();
    EXPECT_CHANGE(empty, full, info.uordblks, blocks.bytes()) << size;
    blocks.Free();
    const Figures freed = Agreed();
    EXPECT_CHANGE(full, freed, info.uordblks, -blocks.bytes()) << size;
    EXPECT_CHANGE(empty, full, info.hblks, 0) << size;
    // The slots that the pages had for themselves come to it.
    EXPECT_LE(freed.info.arena, full.info.arena + full.info.arena / 16 + Slack()) << size;
    EXPECT_GE(freed.info.keepcost, kMiB / 2) << size;
    if (!IsHardened()) {
      EXPECT_LE(freed.info.keepcost, kMostFree) << size;
    }
    EXPECT_GE(freed.total.most, full.total.current) << size;
    malloc_trim(0);
  }
}

TEST_F(FiguresTest, LargeBlocksLiveAndFreed) {
  constexpr size_t kCount = 100;
  constexpr size_t kSize = 5 * kMiB;
  constexpr size_t kMapping = kSize + 4 * kKiB;
  blocks.Allocate(kSize, kCount);
  const Figures full = Agreed();
  EXPECT_CHANGE(before_, full, info.hblks, kCount);
  EXPECT_CHANGE(before_, full, info.hblkhd, kCount * kMapping);
  EXPECT_CHANGE_NEARLY(before_, full, info.arena, 0);

  blocks.Free();
  const Figures freed = Agreed();
  EXPECT_CHANGE(before_, freed, info.hblks, 0);
  EXPECT_CHANGE(before_, freed, info.hblkhd, 0);
  // The extra is at most what was live lately, in the tests before.
  EXPECT_LE(freed.info.arena, before_.info.arena + kCount * kSize / 2);
  EXPECT_GE(freed.total.most, before_.info.arena + kMapping) << "it was free before it went back";
  EXPECT_CHANGE(before_, freed, info.uordblks, 0);
  EXPECT_GE(freed.Stat("max mmap regions"), kCount);
  EXPECT_GE(freed.Stat("max mmap bytes"), kCount * kMapping);

  EXPECT_EQ(malloc_trim(0), 1);
  const size_t keepcost = mallinfo2().keepcost;
  const Figures trimmed = Agreed();
  EXPECT_LE(trimmed.info.arena, before_.info.arena + Slack());
  EXPECT_EQ(keepcost, 0u);
  EXPECT_GE(trimmed.total.most, freed.total.current);
  EXPECT_EQ(trimmed.Stat("freed mmap bytes"), 0u);
}

// A heap keeps pages that are all free, some of which were given back while they were not.
constexpr double kMostGone = 12.0 * kMiB;

// What the figures say was had of the system is what the kernel says is resident.
class Residence {
 public:
  explicit Residence(const Figures& before) : before_(before), resident_(ResidentBytes()) {}

  // `gone`: what may have been given back out of pages that are there to be used again.
  void ExpectAsFigured(const Figures& now, const char* when, double gone = 0) const {
    const ptrdiff_t resident = Change(resident_, ResidentBytes());
    const ptrdiff_t figured =
        Change(before_.info.arena + before_.info.hblkhd, now.info.arena + now.info.hblkhd) +
        Change(before_.Stat("metadata bytes"), now.Stat("metadata bytes"));
    EXPECT_GE(static_cast<double>(figured), static_cast<double>(resident) - kTolerance) << when;
    EXPECT_LE(static_cast<double>(figured), static_cast<double>(resident) + kTolerance + gone)
        << when;
  }

 private:
  // Memory of libc's, stacks, what was allotted to page tables and not yet touched.
  static constexpr double kTolerance = 2.0 * kMiB;
  const Figures& before_;
  const size_t resident_;
};

TEST_F(FiguresTest, AreWhatIsResident) {
  if (IsHardened()) GTEST_SKIP() << "of slots in random order more is counted than is resident";
  const Residence residence(before_);
  blocks.Allocate(100, kMost);
  residence.ExpectAsFigured(Agreed(), "small blocks");
  others.Allocate(700 * kKiB, 100);
  residence.ExpectAsFigured(Agreed(), "and large ones");
  blocks.Free();
  residence.ExpectAsFigured(Agreed(), "small ones freed");
  others.Free();
  residence.ExpectAsFigured(Agreed(), "all freed", kMostGone);
  blocks.Allocate(4000, 20000);
  others.Allocate(50 * kKiB, 300);
  residence.ExpectAsFigured(Agreed(), "others");
  blocks.Free();
  others.Free();
  residence.ExpectAsFigured(Agreed(), "these freed", kMostGone);
  EXPECT_EQ(malloc_trim(0), 1);
  const size_t keepcost = mallinfo2().keepcost;
  const Figures trimmed = Agreed();
  residence.ExpectAsFigured(trimmed, "trimmed");
  EXPECT_EQ(keepcost, 0u);
}

// Parties that take turns.
class Turns {
 public:
  void Await(int turn) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this, turn] { return turn_ >= turn; });
  }
  void Add() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++turn_;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int turn_ = 0;
};

// The heaps that have at least so much of the system.
unsigned HeapsWith(const Figures& figures, size_t current) {
  unsigned count = 0;
  for (size_t i = 1; i < figures.heap_count; ++i) count += figures.heaps[i].current >= current;
  return count;
}

// Each thread has a heap; what another frees is free at once, wherever it is on its way.
TEST_F(FiguresTest, OfSeveralThreads) {
  constexpr size_t kThreads = 4;
  constexpr size_t kCount = 2000;
  static Blocks own[kThreads];
  Turns arrived;
  Turns go;
  std::thread threads[kThreads];
  for (size_t i = 0; i < kThreads; ++i) {
    threads[i] = std::thread([&, i] {
      own[i].Allocate(200, kCount);
      arrived.Add();
      go.Await(1);
      if (i % 2 == 0) own[i].Free();
      arrived.Add();
      go.Await(2);
    });
  }
  arrived.Await(kThreads);
  const Figures full = Agreed();
  size_t bytes = 0;
  for (const Blocks& each : own) bytes += each.bytes();
  EXPECT_GE(Change(before_.info.uordblks, full.info.uordblks), static_cast<ptrdiff_t>(bytes));
  EXPECT_LE(Change(before_.info.uordblks, full.info.uordblks),
            static_cast<ptrdiff_t>(bytes + Slack()));  // and the threads' own
  EXPECT_GE(HeapsWith(full, own[0].bytes()), kThreads);

  go.Add();
  arrived.Await(2 * kThreads);
  own[1].Free();  // by this thread
  own[3].Free();
  const Figures freed = Agreed();
  EXPECT_CHANGE(full, freed, info.uordblks, -bytes);
  EXPECT_GE(FreeBlocks(freed), FreeBlocks(full) + kThreads * kCount);
  EXPECT_LE(FreeBlocks(freed), FreeBlocks(full) + kThreads * kCount + Slack() / 40);
  EXPECT_GE(freed.info.smblks, 2 * 64u) << "in two threads' magazines";
  EXPECT_GE(HeapsWith(freed, own[0].bytes()), kThreads);
  go.Add();
  for (std::thread& thread : threads) thread.join();
}

TEST_F(FiguresTest, MallocTrimSaysWhetherItGaveAnythingBack) {
  malloc_trim(0);
  EXPECT_EQ(malloc_trim(0), 0);
  blocks.Allocate(1000, 10000);
  const size_t resident = ResidentBytes();
  blocks.Free();
  EXPECT_EQ(malloc_trim(0), 1);
  EXPECT_LE(ResidentBytes() + 9 * kMiB, resident);
  EXPECT_EQ(malloc_trim(0), 0);
}

}  // namespace
}  // namespace mymalloc::test
