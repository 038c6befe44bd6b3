// Lookups beside edits, in earnest: threads ask for ranges that stay, while others make the tree
// around them grow and shrink by levels. Under the sanitizers lookups take the lock.

#include <atomic>
#include <chrono>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "mymalloc/base/units.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/supply/page_map.h"

namespace mymalloc {
namespace {

constexpr auto kDuration = std::chrono::milliseconds(1500);
constexpr int kPatience = 20;  // times that duration
constexpr uint64_t kEnough = 1000;
constexpr uint64_t kSlots = 4096;
constexpr uint64_t kStable = 64;  // each kStable-th slot has a range that stays
constexpr uint64_t kStep = 0x10000;

// What may stand in a slot: two ranges that have no bound in common, each with its own owner.
Interval RangeOf(uint64_t slot, unsigned form) {
  const uint64_t begin = slot * kStep + (form == 0 ? 0x1000 : 0);
  return {begin, slot * kStep + (form == 0 ? 0x7000 : 0x8000)};
}
Owner OwnerOf(uint64_t slot, unsigned form) { return Owner((slot << 20) + form * 16 + 16); }

bool Is(const Interval& range, Owner owner, uint64_t slot, unsigned form) {
  return range == RangeOf(slot, form) && owner.bits() == OwnerOf(slot, form).bits();
}

class PageMapConcurrentTest : public testing::Test {
 protected:
  PageMapConcurrentTest() {
    for (uint64_t slot = kStable; slot < kSlots; slot += kStable) {
      EXPECT_TRUE(map_.Insert(RangeOf(slot, 0), OwnerOf(slot, 0)));
    }
  }
  ~PageMapConcurrentTest() override { EXPECT_STREQ(map_.Verify(), nullptr); }

  // Every lookup's answer is one that was true at some time during it.
  void Ask(uint64_t seed) {
    std::mt19937_64 random(seed);
    while (!stop_) {
      const uint64_t slot = 1 + random() % (kSlots - 1);
      const bool in_gap = random() % 8 == 0;
      const uint64_t address = slot * kStep + (in_gap ? 0x8000 : 0x1000) + random() % 0x6000;
      const bool stays = slot % kStable == 0;
      Interval range;
      Owner owner;
      const bool found = map_.Find(address, &range, &owner);
      const bool right =
          found ? !in_gap && (Is(range, owner, slot, 0) || (!stays && Is(range, owner, slot, 1)))
                : in_gap || !stays;
      if (!right) ++wrong_;
      if (found) ++found_;
    }
  }

  // Fills the slots of one parity that do not stay, in both directions, and empties them.
  void Churn(uint64_t parity) {
    for (unsigned round = 0; !stop_; ++round) {
      const auto each = [&](const std::function<void(uint64_t)>& edit, bool ascending) {
        for (uint64_t i = 1; i < kSlots && !stop_; ++i) {
          const uint64_t slot = ascending ? i : kSlots - i;
          if (slot % 2 != parity || slot % kStable == 0) continue;
          edit(slot);
          ++edits_;
        }
      };
      const unsigned form = round % 2;
      each([&](uint64_t slot) { map_.Insert(RangeOf(slot, form), OwnerOf(slot, form)); },
           round % 4 < 2);
      each([&](uint64_t slot) { map_.Erase(RangeOf(slot, form).begin); }, round % 8 < 4);
    }
  }

  void Run(const std::vector<std::function<void()>>& bodies) {
    std::vector<std::thread> threads;
    for (const auto& body : bodies) threads.emplace_back(body);
    // On a busy machine, until there was something to see.
    for (int i = 0; i < 1 || (i < kPatience && found_ < kEnough); ++i) {
      std::this_thread::sleep_for(kDuration);
    }
    stop_ = true;
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong_, 0u);
    EXPECT_GE(found_, kEnough);
  }

  PageMap map_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> wrong_{0};
  std::atomic<uint64_t> found_{0};
  std::atomic<uint64_t> edits_{0};
};

TEST_F(PageMapConcurrentTest, RangesThatStayAreAlwaysFound) {
  Run({[this] { Ask(1); }, [this] { Ask(2); }, [this] { Churn(0); }, [this] { Churn(1); }});
  EXPECT_GE(edits_, kSlots) << "not once through";
}

// A range that is resized is there all the time, with the one length or the other.
TEST_F(PageMapConcurrentTest, AResizedRangeIsNeverMissing) {
  constexpr uint64_t kSlot = kStable;
  const Interval small = RangeOf(kSlot, 0);
  const Interval large = {small.begin, small.end + 0x1000};
  Run({[&] {
         while (!stop_) {
           Interval range;
           Owner owner;
           const bool found = map_.Find(small.begin, &range, &owner);
           if (!found || (range != small && range != large)) ++wrong_;
           if (found) ++found_;
         }
       },
       [&] {
         while (!stop_) {
           map_.Resize(small, large.end);
           map_.Resize(large, small.end);
         }
       }});
}

// Move takes a range out of the map and puts it back within one edit: a lookup sees neither half. A
// mapping that gets shorter stays where it is, so it can be asked for all the time.
TEST_F(PageMapConcurrentTest, AMovingRangeIsNeverMissing) {
  constexpr size_t kBytes = 1000 * KernelPage();
  std::atomic<uintptr_t> begin{0};
  std::atomic<uint64_t> epoch{1};  // odd: there is no such range
  Run({[&] {
         while (!stop_) {
           const uint64_t before = epoch;
           Interval range;
           Owner owner;
           const bool found = map_.Find(begin, &range, &owner);
           if (before % 2 != 0 || epoch != before) continue;
           if (!found || owner.bits() != OwnerOf(1, 0).bits()) ++wrong_;
           if (found) ++found_;
         }
       },
       [&] {
         while (!stop_) {
           size_t bytes = kBytes;
           begin = os::Map(bytes);
           ASSERT_TRUE(map_.Insert({begin, begin + bytes}, OwnerOf(1, 0)));
           ++epoch;
           for (; bytes > KernelPage() && !stop_; bytes -= KernelPage()) {
             ASSERT_EQ(map_.Move({begin, begin + bytes}, bytes - KernelPage()), begin);
             std::this_thread::yield();  // or the map is locked most of the time
           }
           ++epoch;
           map_.Erase(begin);
           os::Unmap(Interval::From(begin, bytes));
         }
       }});
}

}  // namespace
}  // namespace mymalloc
