#include "bitmap/atomic_slot_bitmap.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

constexpr unsigned kSlots = AtomicSlotBitmap::kSlots;
constexpr unsigned kWords = AtomicSlotBitmap::kWords;
constexpr unsigned kSlotsPerWord = AtomicSlotBitmap::kSlotsPerWord;

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
    for (unsigned round = 1; round <= kRounds; ++round) {
      round_.store(round, std::memory_order_release);
      CollectAll(round);
    }
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
    std::array<bool, kSlots> seen{};
    for (unsigned collected = 0; collected < kSlots; std::this_thread::yield()) {
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
