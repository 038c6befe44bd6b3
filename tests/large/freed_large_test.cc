#include "mymalloc/large/freed_large.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

constexpr unsigned kRemembered = 64;
constexpr unsigned kDelay = 8;
constexpr size_t kLength = 16 * KernelPage();

class FreedLargeTest : public testing::Test {
 protected:
  // The i-th block's, in a range of its own.
  static FreedLarge::Record Held(uintptr_t i, size_t length = kLength) {
    const uintptr_t begin = (i + 1) << 32;
    return {begin + kBlockAlignment, length - kBlockAlignment, {begin, begin + length}, 0};
  }
  static FreedLarge::Record NotHeld(uintptr_t i) {
    FreedLarge::Record record = Held(i);
    record.held = {};
    return record;
  }
  void NoteOthers(unsigned count) {
    for (unsigned i = 0; i < count; ++i) freed_.Note(NotHeld(1000 + i));
  }
  bool IsKnown(uintptr_t address) const {
    FreedLarge::Record record;
    return freed_.Find(address, &record);
  }

  FreedLarge freed_;
};

TEST_F(FreedLargeTest, RemembersTheLastOnes) {
  EXPECT_FALSE(IsKnown(0));
  for (uintptr_t i = 0; i < kRemembered + 6; ++i) freed_.Note(NotHeld(i));
  for (uintptr_t i = 0; i < kRemembered + 6; ++i) {
    EXPECT_EQ(IsKnown(NotHeld(i).block), i >= 6) << i;
    EXPECT_FALSE(IsKnown(NotHeld(i).block + 1));
  }
  EXPECT_FALSE(IsKnown(0));
}

TEST_F(FreedLargeTest, OfSeveralThatBeganThereTheLastIsFound) {
  FreedLarge::Record record = NotHeld(3);
  for (const size_t usable : {100u, 200u, 300u}) {
    record.usable = usable;
    freed_.Note(record);
  }
  FreedLarge::Record found;
  ASSERT_TRUE(freed_.Find(record.block, &found));
  EXPECT_EQ(found.usable, 300u);
}

TEST_F(FreedLargeTest, AHeldRangeIsFoundByEachOfItsAddresses) {
  const FreedLarge::Record record = Held(0);
  freed_.Note(record);
  EXPECT_TRUE(IsKnown(record.held.begin));
  EXPECT_TRUE(IsKnown(record.held.end - 1));
  EXPECT_FALSE(IsKnown(record.held.begin - 1));
  EXPECT_FALSE(IsKnown(record.held.end));
}

TEST_F(FreedLargeTest, TheRecordThatIsOverwrittenIsGivenUpFirst) {
  for (uintptr_t i = 0; i < kRemembered; ++i) {
    ASSERT_TRUE(freed_.MakeRoom(kLength).held.empty()) << i;
    freed_.Note(Held(i));
  }
  for (uintptr_t i = 0; i < 2 * kRemembered; ++i) {
    const FreedLarge::Record oldest = freed_.MakeRoom(0);
    ASSERT_EQ(oldest.block, Held(i).block) << i;
    ASSERT_EQ(oldest.held.length(), kLength);
    ASSERT_TRUE(freed_.MakeRoom(0).held.empty());
    freed_.Note(Held(kRemembered + i));
  }
}

TEST_F(FreedLargeTest, TheOldestAreGivenUpWhenTooManyBytesAreHeld) {
  constexpr size_t kQuarter = FreedLarge::kMostHeldBytes / 4;
  for (uintptr_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(freed_.MakeRoom(kQuarter).held.empty());
    freed_.Note(Held(i, kQuarter));
  }
  EXPECT_TRUE(freed_.MakeRoom(0).held.empty());
  EXPECT_EQ(freed_.MakeRoom(1).block, Held(0).block);
  EXPECT_TRUE(freed_.MakeRoom(kQuarter).held.empty());
  EXPECT_EQ(freed_.MakeRoom(kQuarter + 1).block, Held(1).block);
  // The blocks are still remembered, their ranges are not.
  EXPECT_TRUE(IsKnown(Held(0).block));
  EXPECT_FALSE(IsKnown(Held(0).block + 1));
}

TEST_F(FreedLargeTest, NothingIsTakenBeforeOthersWereFreed) {
  freed_.Note(Held(0));
  for (unsigned i = 0; i < kDelay; ++i) {
    ASSERT_TRUE(freed_.Take(kLength).held.empty()) << i;
    freed_.Note(NotHeld(1000 + i));
  }
  const FreedLarge::Record taken = freed_.Take(kLength);
  EXPECT_EQ(taken.held.begin, Held(0).held.begin);
  EXPECT_TRUE(freed_.Take(kLength).held.empty());
  EXPECT_TRUE(freed_.MakeRoom(FreedLarge::kMostHeldBytes).held.empty());
}

TEST_F(FreedLargeTest, WhatIsTakenIsLongEnoughAndNotMuchLonger) {
  const auto takes = [](size_t held, size_t asked) {
    FreedLarge freed;
    freed.Note(Held(0, held));
    for (unsigned i = 1; i <= kDelay; ++i) freed.Note(NotHeld(i));
    return !freed.Take(asked).held.empty();
  };
  EXPECT_TRUE(takes(16 * KernelPage(), 16 * KernelPage()));
  EXPECT_FALSE(takes(16 * KernelPage(), 17 * KernelPage()));
  EXPECT_TRUE(takes(20 * KernelPage(), 16 * KernelPage()));
  EXPECT_FALSE(takes(21 * KernelPage(), 16 * KernelPage()));
}

TEST_F(FreedLargeTest, TheOldestThatFitsIsTaken) {
  freed_.Note(Held(0, 4 * kLength));
  freed_.Note(Held(1));
  freed_.Note(Held(2));
  NoteOthers(kDelay);
  EXPECT_EQ(freed_.Take(kLength).block, Held(1).block);
  EXPECT_EQ(freed_.Take(kLength).block, Held(2).block);
  EXPECT_EQ(freed_.Take(4 * kLength).block, Held(0).block);
}

TEST_F(FreedLargeTest, MemoryGoesBackAfterItsTicksOnce) {
  FreedLarge::Record record = Held(0);
  record.resident = FreedLarge::kTicksResident;
  freed_.Note(record);
  freed_.Note(Held(1));  // has gone already
  Interval due{};
  for (unsigned left = FreedLarge::kTicksResident; left > 1; --left) {
    EXPECT_FALSE(freed_.TakeDue(/*all=*/false, &due));
    EXPECT_EQ(freed_.resident_count(), 1u);
    freed_.Tick();
  }
  EXPECT_TRUE(freed_.TakeDue(/*all=*/false, &due));
  EXPECT_EQ(due, record.held);
  EXPECT_EQ(freed_.resident_bytes(), 0u);
  for (const bool all : {false, true}) EXPECT_FALSE(freed_.TakeDue(all, &due));
  freed_.Tick();
  EXPECT_FALSE(freed_.TakeDue(/*all=*/true, &due));
}

TEST_F(FreedLargeTest, AllOfItGoesBackAtOnceIfAsked) {
  for (uintptr_t i = 0; i < 5; ++i) {
    FreedLarge::Record record = Held(i);
    record.resident = FreedLarge::kTicksResident;
    freed_.Note(record);
  }
  Interval due{};
  unsigned count = 0;
  while (freed_.TakeDue(/*all=*/true, &due)) ++count;
  EXPECT_EQ(count, 5u);
  EXPECT_EQ(freed_.resident_count(), 0u);
}

TEST_F(FreedLargeTest, AWriteToAnyFilledByteIsFound) {
  struct alignas(16) Block {
    unsigned char bytes[20 * kKiB];
  };
  const auto block = std::make_unique<Block>();
  const uintptr_t begin = reinterpret_cast<uintptr_t>(block->bytes);
  for (const size_t usable : {size_t{4080}, sizeof(Block) - 64, sizeof(Block)}) {
    FreedLarge::Fill(begin, usable);
    FreedLarge::Record record{begin, usable, {}, FreedLarge::kTicksResident};
    EXPECT_EQ(FreedLarge::FindWrite(record), 0u);
    for (size_t i = 0; i < sizeof(Block); ++i) {
      const bool filled = i < usable;
      block->bytes[i] ^= 1;
      ASSERT_EQ(FreedLarge::FindWrite(record), filled ? begin + i : 0) << i;
      block->bytes[i] ^= 1;
    }
    // Once its memory went back there is nothing to look at.
    block->bytes[0] = 0;
    record.resident = 0;
    EXPECT_EQ(FreedLarge::FindWrite(record), 0u);
  }
}

}  // namespace
}  // namespace mymalloc
