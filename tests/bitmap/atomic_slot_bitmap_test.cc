#include "bitmap/atomic_slot_bitmap.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

constexpr unsigned kSlots = AtomicSlotBitmap::kSlots;
constexpr unsigned kWords = AtomicSlotBitmap::kWords;
constexpr unsigned kSlotsPerWord = AtomicSlotBitmap::kSlotsPerWord;

// A slot that has not come out after so long never will.
using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience(20);

TEST(AtomicSlotBitmapTest, ReleaseReturnsTheOldWord) {
  AtomicSlotBitmap mailbox{};
  EXPECT_TRUE(mailbox.Empty());
  EXPECT_EQ(mailbox.Release(2, 5), 0u);
  EXPECT_EQ(mailbox.Release(2, 6), 5u);
  EXPECT_FALSE(mailbox.Empty());
  EXPECT_EQ(mailbox.Peek(2), 7u);
  EXPECT_EQ(mailbox.Peek(1), 0u);
}

TEST(AtomicSlotBitmapTest, CollectTakesEverythingOnce) {
  AtomicSlotBitmap mailbox{};
  for (unsigned w = 0; w < kWords; ++w) mailbox.Release(w, w + 1);
  for (unsigned w = 0; w < kWords; ++w) {
    EXPECT_FALSE(mailbox.Empty());
    EXPECT_EQ(mailbox.Collect(w), w + 1);
    EXPECT_EQ(mailbox.Collect(w), 0u);
  }
  EXPECT_TRUE(mailbox.Empty());
}

// Slots go round: the owner gives each to a thread, which writes to it (with a plain write: the
// mailbox alone must order it, which TSan checks) and puts it into the mailbox.
class MailboxRound {
 public:
  static constexpr unsigned kThreads = 4;
  static constexpr unsigned kRounds = 300;

  void Run() {
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < kThreads; ++t) threads.emplace_back([this, t] { Work(t); });
    for (unsigned round = 1; round <= kRounds && !::testing::Test::HasFailure(); ++round) {
      round_.store(round, std::memory_order_release);
      CollectAll(round);
    }
    round_.store(kRounds, std::memory_order_release);  // let the threads go, if it failed
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(mailbox_.Empty());
  }

 private:
  void Work(unsigned thread) {
    for (unsigned round = 1; round <= kRounds; ++round) {
      while (round_.load(std::memory_order_acquire) < round) std::this_thread::yield();
      for (unsigned w = 0; w < kWords; ++w) ReleaseShare(thread, w, round);
    }
  }

  // Every kThreads-th slot of the word: some one by one, the others at once.
  void ReleaseShare(unsigned thread, unsigned w, unsigned round) {
    uint64_t rest = 0;
    for (unsigned b = thread; b < kSlotsPerWord; b += kThreads) {
      contents_[w * kSlotsPerWord + b] = round;
      const uint64_t bit = uint64_t{1} << b;
      if (b % 8 < kThreads) {
        rest |= bit;
      } else {
        EXPECT_EQ(mailbox_.Release(w, bit) & bit, 0u);
      }
    }
    EXPECT_EQ(mailbox_.Release(w, rest) & rest, 0u);
  }

  void CollectAll(unsigned round) {
    const Clock::time_point deadline = Clock::now() + kPatience;
    std::array<bool, kSlots> seen{};
    for (unsigned collected = 0; collected < kSlots; std::this_thread::yield()) {
      ASSERT_LT(Clock::now(), deadline) << "slots are lost";
      for (unsigned w = 0; w < kWords; ++w) {
        for (uint64_t word = mailbox_.Collect(w); word != 0; word &= word - 1) {
          const unsigned slot = w * kSlotsPerWord + static_cast<unsigned>(__builtin_ctzll(word));
          EXPECT_FALSE(seen[slot]) << "came out twice";
          EXPECT_EQ(contents_[slot], round) << "what was written before is not visible";
          seen[slot] = true;
          ++collected;
        }
      }
    }
  }

  AtomicSlotBitmap mailbox_{};
  std::atomic<unsigned> round_{0};
  std::array<unsigned, kSlots> contents_{};
};

TEST(AtomicSlotBitmapTest, NothingIsLostOrDoubledBetweenThreads) { MailboxRound().Run(); }

// All threads release and collect at once, without ever waiting for each other: each puts its slot
// in until somebody, itself perhaps, has taken it out. A bit lost between two threads' updates
// would leave its owner to search for ever.
class Scramble {
 public:
  static constexpr unsigned kThreads = 3;
  static constexpr unsigned kRounds = 1000000;

  void Run() {
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < kThreads; ++t) threads.emplace_back([this, t] { Work(t); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(mailbox_.Empty());
  }

 private:
  void Work(unsigned slot) {
    const Clock::time_point deadline = Clock::now() + kPatience;
    for (unsigned round = 0; round < kRounds && !failed_; ++round) {
      if ((mailbox_.Release(0, uint64_t{1} << slot) >> slot & 1) != 0) Fail("came out, yet is in");
      for (unsigned spins = 1; !out_[slot].exchange(false); ++spins) {
        CollectOnce();
        if (failed_) return;
        if (spins % 1000000 == 0 && Clock::now() > deadline) return Fail("was lost");
      }
    }
  }

  void CollectOnce() {
    for (uint64_t word = mailbox_.Collect(0); word != 0; word &= word - 1) {
      if (out_[static_cast<unsigned>(__builtin_ctzll(word))].exchange(true)) Fail("came out twice");
    }
  }

  void Fail(const char* what) {
    failed_ = true;
    ADD_FAILURE() << "a slot " << what;
  }

  AtomicSlotBitmap mailbox_{};
  std::array<std::atomic<bool>, kSlotsPerWord> out_{};
  std::atomic<bool> failed_{false};
};

TEST(AtomicSlotBitmapTest, UpdatesOfOneWordDoNotOverwriteEachOther) { Scramble().Run(); }

// If several threads free the same slot, all but one of them learn of it.
TEST(AtomicSlotBitmapTest, OneOfManyReleasesWins) {
  constexpr unsigned kThreads = 4;
  constexpr unsigned kTries = 2000;
  std::vector<AtomicSlotBitmap> mailboxes(kTries);
  std::array<std::atomic<unsigned>, kTries> winners{};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (unsigned i = 0; i < kTries; ++i) {
        if ((mailboxes[i].Release(3, 16) & 16) == 0) ++winners[i];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& count : winners) ASSERT_EQ(count, 1u);
}

}  // namespace
}  // namespace mymalloc
