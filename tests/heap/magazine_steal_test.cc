// The janitor steals from a magazine whose owner may come back at any time: no block may be in two
// hands, and none may be lost. Not for the sanitizers, which cannot see what orders this: time.

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "mymalloc/base/lock.h"
#include "mymalloc/heap/magazine.h"

namespace mymalloc {
namespace {

constexpr auto kDuration = std::chrono::milliseconds(1500);
// Much longer than a store takes to be seen by all processors, and much shorter than a real tick.
constexpr auto kTick = std::chrono::microseconds(50);
constexpr unsigned kBlocks = kDeepestMagazine;

enum Hand : int { kInMagazine, kOwners, kStolen };

struct Shared {
  Magazine magazine{};
  std::atomic<int> hand[kBlocks];
  Lock lock;
  std::vector<uintptr_t> returned;  // what was stolen, for the owner to take again; under the lock
  uint64_t slow_calls = 0;          // under the lock
  uint64_t slow_calls_seen = 0;     // the janitor's
  bool raised = false;              // under the lock
  std::atomic<bool> stop{false};
  std::atomic<int> errors{0};
  uint64_t steals = 0;
  uint64_t pops = 0;

  static uintptr_t Block(unsigned i) { return 16 * (uintptr_t{i} + 1); }
  void Pass(uintptr_t block, Hand from, Hand to) {
    if (hand[block / 16 - 1].exchange(to) != from) ++errors;
  }
};

// The owner's slow way: under the lock, everything that was stolen comes back.
void Refill(Shared& s) {
  LockHolder holder(s.lock);
  ++s.slow_calls;
  s.magazine.Compact();
  while (s.magazine.Depth() < kDeepestMagazine) s.magazine.Deepen(kSmallestClass);
  for (const uintptr_t block : s.returned) {
    s.Pass(block, kStolen, kInMagazine);
    if (!s.magazine.Push(block)) ++s.errors;
  }
  s.returned.clear();
}

// Pops some blocks and pushes them back, over and over. At times one alone, which does not lead to
// the slow way: such an owner looks idle.
void Own(Shared& s) {
  uintptr_t mine[kBlocks];
  for (unsigned round = 0; !s.stop; ++round) {
    const unsigned many = round >> 15 & 1;
    unsigned count = 0;
    while (count < 1 + many * (round % kBlocks)) {
      const uintptr_t block = s.magazine.Pop();
      if (block == 0) {
        Refill(s);
        break;
      }
      s.Pass(block, kInMagazine, kOwners);
      mine[count++] = block;
    }
    s.pops += count;
    while (count > 0) {
      s.Pass(mine[--count], kOwners, kInMagazine);
      if (s.magazine.Push(mine[count])) continue;
      Refill(s);
      if (!s.magazine.Push(mine[count])) ++s.errors;
    }
  }
}

void Steal(Shared& s) {
  const unsigned count = s.magazine.Stealable();
  for (unsigned i = 0; i < count; ++i) {
    const uintptr_t block = s.magazine.begin()[i].load();
    s.Pass(block, kInMagazine, kStolen);
    s.returned.push_back(block);
  }
  s.magazine.LowerFloor(count);
  s.steals += count;
}

// What Heap::DecayHeld does at each tick: takes what lay below the floor at the last one, if the
// owner has not been on its slow way since.
void Tick(Shared& s) {
  LockHolder holder(s.lock);
  const bool idle = s.slow_calls == s.slow_calls_seen;
  s.slow_calls_seen = s.slow_calls;
  if (s.raised && !idle) s.magazine.LowerFloor(0);
  if (s.raised && idle) Steal(s);
  s.raised = idle && s.magazine.RaiseFloor();
}

TEST(MagazineStealTest, EveryBlockIsInOneHand) {
  auto s = std::make_unique<Shared>();
  for (unsigned i = 0; i < kBlocks; ++i) {
    s->hand[i] = kStolen;
    s->returned.push_back(Shared::Block(i));
  }
  Refill(*s);
  std::thread owner([&] { Own(*s); });
  const auto end = std::chrono::steady_clock::now() + kDuration;
  while (std::chrono::steady_clock::now() < end) {
    Tick(*s);
    std::this_thread::sleep_for(kTick);
  }
  s->stop = true;
  owner.join();
  EXPECT_EQ(s->errors, 0);
  EXPECT_GT(s->steals, 100u);
  EXPECT_GT(s->pops, 100u);
  s->magazine.LowerFloor(0);
  unsigned found = static_cast<unsigned>(s->returned.size());
  while (s->magazine.Pop() != 0) ++found;
  EXPECT_EQ(found, kBlocks);
}

// The owner pops at most what lies above its floor, and finds the rest again in its slow way.
TEST(MagazineStealTest, AboveARaisedFloorOnlyTheTopIsGiven) {
  auto s = std::make_unique<Shared>();
  for (unsigned i = 0; i < 8; ++i) {
    s->hand[i] = kStolen;
    s->returned.push_back(Shared::Block(i));
  }
  Refill(*s);
  ASSERT_TRUE(s->magazine.RaiseFloor());
  EXPECT_EQ(s->magazine.Stealable(), 7u);
  EXPECT_EQ(s->magazine.Pop(), Shared::Block(7));
  EXPECT_EQ(s->magazine.Pop(), 0u);
  // The top one may be in the middle of a pop.
  EXPECT_EQ(s->magazine.Stealable(), 6u);
  ASSERT_TRUE(s->magazine.Push(Shared::Block(7)));
  EXPECT_EQ(s->magazine.Stealable(), 7u);
  s->magazine.LowerFloor(0);
  for (unsigned i = 8; i-- > 0;) EXPECT_EQ(s->magazine.Pop(), Shared::Block(i));
  EXPECT_FALSE(s->magazine.RaiseFloor());
}

}  // namespace
}  // namespace mymalloc
