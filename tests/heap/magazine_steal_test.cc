// The janitor steals from a magazine whose owner is at work: no block may be in two hands, and none
// may be lost. Not for the sanitizers, which cannot see the barrier.

#include <linux/membarrier.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "mymalloc/base/lock.h"
#include "mymalloc/base/syscall.h"
#include "mymalloc/heap/magazine.h"

namespace mymalloc {
namespace {

constexpr SizeClass kSmallest = 0;
constexpr auto kDuration = std::chrono::milliseconds(1500);
constexpr unsigned kBlocks = kDeepestMagazine;

enum Hand : int { kInMagazine, kOwners, kStolen };

struct Shared {
  Magazine magazine{};
  std::atomic<int> hand[kBlocks];
  Lock lock;
  std::vector<uintptr_t> returned;  // what was stolen, for the owner to take again; under the lock
  std::atomic<bool> stop{false};
  std::atomic<int> errors{0};
  uint64_t steals = 0;
  uint64_t pops = 0;

  static uintptr_t Block(unsigned i) { return 16 * (uintptr_t{i} + 1); }
  void Pass(uintptr_t block, Hand from, Hand to) {
    if (hand[block / 16 - 1].exchange(to) != from) ++errors;
  }
};

// The owner's slow path: under the lock, everything that was stolen comes back.
void Refill(Shared& s) {
  LockHolder holder(s.lock);
  s.magazine.Compact();
  while (s.magazine.Depth() < kDeepestMagazine) s.magazine.Deepen(kSmallest);
  for (const uintptr_t block : s.returned) {
    s.Pass(block, kStolen, kInMagazine);
    if (!s.magazine.Push(block)) ++s.errors;
  }
  s.returned.clear();
}

// Pops some blocks and pushes them back, over and over.
void Own(Shared& s) {
  uintptr_t mine[kBlocks];
  for (unsigned round = 0; !s.stop; ++round) {
    unsigned count = 0;
    while (count < 1 + round % kBlocks) {
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
  LockHolder holder(s.lock);
  if (!s.magazine.Guard()) return;
  Syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
  const unsigned count = s.magazine.Stealable();
  for (unsigned i = 0; i < count; ++i) {
    const uintptr_t block = s.magazine.begin()[i].load();
    s.Pass(block, kInMagazine, kStolen);
    s.returned.push_back(block);
  }
  s.magazine.Unguard(count);
  s.steals += count;
}

TEST(MagazineStealTest, EveryBlockIsInOneHand) {
  if (Syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0) {
    GTEST_SKIP() << "this kernel has no membarrier";
  }
  auto s = std::make_unique<Shared>();
  for (unsigned i = 0; i < kBlocks; ++i) {
    s->hand[i] = kStolen;
    s->returned.push_back(Shared::Block(i));
  }
  Refill(*s);
  std::thread owner([&] { Own(*s); });
  const auto end = std::chrono::steady_clock::now() + kDuration;
  while (std::chrono::steady_clock::now() < end) {
    for (int i = 0; i < 100; ++i) Steal(*s);
    std::this_thread::yield();
  }
  s->stop = true;
  owner.join();
  EXPECT_EQ(s->errors, 0);
  EXPECT_GT(s->steals, 100u);
  EXPECT_GT(s->pops, 100u);
  unsigned found = static_cast<unsigned>(s->returned.size());
  while (s->magazine.Pop() != 0) ++found;
  EXPECT_EQ(found, kBlocks);
}

}  // namespace
}  // namespace mymalloc
