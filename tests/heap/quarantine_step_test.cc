// A fork at every instruction of a block's way into quarantine and out of it.
//
// The child of a threaded process goes on with the quarantine of a thread that is not there, as the
// kernel copied it between two of its instructions. What lies in it then must be in quarantine, and
// lie there once: a block that left it twice would be called written to after its free.
//
// The processor's trap flag makes it exact: what a fork would copy is looked at after each.

#include <signal.h>
#include <ucontext.h>
#include <x86intrin.h>

#include <cstdint>

#include "gtest/gtest.h"
#include "mymalloc/heap/quarantine.h"

namespace mymalloc {
namespace {

constexpr unsigned long long kTrapFlag = 0x100;
constexpr SizeClass kClass{1};
constexpr unsigned kBlocks = 7;

struct alignas(16) Memory {
  unsigned char bytes[StrideOf(kClass)];
};
Memory memory[kBlocks + 1];

uintptr_t BlockAt(unsigned i) { return reinterpret_cast<uintptr_t>(&memory[i]); }

Quarantine quarantine;
unsigned long steps;
unsigned long wrong;
unsigned fewest;

// The quarantine as it was after each instruction.
constexpr unsigned kMostStored = 256;
Quarantine stored[kMostStored];
unsigned most_stored;

unsigned Count() {
  unsigned count = 0;
  quarantine.ForEach([&](Quarantine::Item) { ++count; });
  return count;
}

void LookAtIt(int /*signal*/, siginfo_t* /*info*/, void* /*context*/) {
  ++steps;
  uintptr_t seen[kBlocks + 1];
  unsigned count = 0;
  quarantine.ForEach([&](Quarantine::Item item) {
    bool sound = count < kBlocks + 1 && Quarantine::FindWrite(item) == 0;
    for (unsigned i = 0; sound && i < count; ++i) sound = seen[i] != item.block;
    if (!sound) {
      ++wrong;
    } else {
      seen[count++] = item.block;
    }
  });
  if (count < fewest) fewest = count;
  if (most_stored < kMostStored) stored[most_stored++] = quarantine;
}

template <typename Do>
void StepThrough(Do&& operation) {
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_sigaction = &LookAtIt;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &action, &before);
  steps = 0;
  wrong = 0;
  fewest = kBlocks + 1;
  __writeeflags(__readeflags() | kTrapFlag);
  operation();
  __writeeflags(__readeflags() & ~kTrapFlag);
  sigaction(SIGTRAP, &before, nullptr);
}

class QuarantineStepTest : public testing::Test {
 protected:
  QuarantineStepTest() {
    quarantine = Quarantine();
    for (unsigned i = 0; i < kBlocks; ++i) EXPECT_TRUE(quarantine.Put({BlockAt(i), kClass}));
  }
};

TEST_F(QuarantineStepTest, WhatComesIsInItOnceItIsFilled) {
  StepThrough([] { quarantine.Put({BlockAt(kBlocks), kClass}); });
  EXPECT_GT(steps, 10u);
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(fewest, kBlocks);
}

TEST_F(QuarantineStepTest, WhatComesTheShortWayIsInItOnceItIsFilled) {
  bool put = false;
  StepThrough([&put] {
    put = quarantine.TryPut({BlockAt(kBlocks), kClass}, UsableOf(kClass), /*most_bytes=*/1 << 20);
  });
  EXPECT_TRUE(put);
  EXPECT_GT(steps, 10u);
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(fewest, kBlocks);
}

TEST_F(QuarantineStepTest, WhatLeavesIsNotInItTwiceNorAnyOther) {
  for (uint64_t random = 0; random < uint64_t{1} << 32; random += uint64_t{1} << 29) {
    StepThrough([random] { quarantine.Take(static_cast<uint32_t>(random)); });
    EXPECT_GT(steps, 10u);
    EXPECT_EQ(wrong, 0u) << random;
    EXPECT_GE(fewest + 1, kBlocks) << random;
    for (unsigned i = 0; i < kBlocks; ++i) {
      bool in = false;
      quarantine.ForEach([&](Quarantine::Item item) { in |= item.block == BlockAt(i); });
      if (!in) quarantine.Put({BlockAt(i), kClass});
    }
  }
}

// In the child the bytes of a block that was lost still count, until it is empty: then all is well.
TEST_F(QuarantineStepTest, WhatWasLostTakesNoRoomForLong) {
  most_stored = 0;
  StepThrough([] { quarantine.Take(0); });
  ASSERT_GT(most_stored, 0u);
  for (unsigned i = 0; i < most_stored; ++i) {
    // What the child of a fork at that instruction has.
    quarantine = stored[i];
    for (unsigned left = Count(); left > 0; --left) quarantine.Take(0);
    EXPECT_TRUE(quarantine.HasRoom(kClass, 0)) << i;
    EXPECT_TRUE(quarantine.Put({BlockAt(0), kClass}));
    EXPECT_TRUE(quarantine.HasRoom(kClass, 2 * Quarantine::kLeastWeight)) << i;
    EXPECT_FALSE(quarantine.HasRoom(kClass, 2 * Quarantine::kLeastWeight - 1)) << i;
  }
}

}  // namespace
}  // namespace mymalloc
