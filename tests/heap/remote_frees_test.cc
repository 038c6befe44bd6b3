#include "mymalloc/heap/remote_frees.h"

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

// Headers by themselves: nothing here looks at the pages around them.
class Headers {
 public:
  PageHeader* operator[](size_t i) { return reinterpret_cast<PageHeader*>(&memory_[i]); }
  static constexpr size_t kCount = 4096;

 private:
  struct alignas(64) Memory {
    char bytes[sizeof(PageHeader)];
  };
  std::vector<Memory> memory_ = std::vector<Memory>(kCount);
};

TEST(RemoteWordTest, HoldsPageAndNumber) {
  Headers headers;
  EXPECT_EQ(RemoteWord().bits(), 0u);
  for (unsigned w = 0; w < AtomicSlotBitmap::kWords; ++w) {
    const RemoteWord word(headers[7], w);
    EXPECT_EQ(word.page(), headers[7]);
    EXPECT_EQ(word.word(), w);
    EXPECT_EQ(&word.link(), &headers[7]->remote_link[w]);
    EXPECT_TRUE(RemoteWord(word.bits()) == word);
    EXPECT_FALSE(RemoteWord(headers[7], (w + 1) % 4) == word);
  }
}

// A thread may be lost in a fork while it hands something on: what the child then finds in the
// table must not be what others have got.
TEST(RemoteGatherFlushTest, HandsOnWhatItNoLongerHolds) {
  Headers headers;
  auto gather = std::make_unique<RemoteGather>();
  size_t flushed = 0;
  const auto flush = [&](RemoteWord word, uint64_t mask) {
    ++flushed;
    gather->ForEach([&](RemoteWord held, uint64_t held_mask) {
      EXPECT_FALSE(held == word && (held_mask & mask) != 0);
    });
  };
  for (unsigned bit = 0; bit < 64; ++bit) {
    gather->Add(RemoteWord(headers[0], 0), uint64_t{1} << bit, 16, flush);
  }
  EXPECT_EQ(flushed, 1u) << "a full word";
  for (unsigned i = 0; i < Headers::kCount; ++i) {
    gather->Add(RemoteWord(headers[i], 0), 1, 16, flush);
  }
  EXPECT_GT(flushed, 1000u) << "an entry for another word";
  flushed = 0;
  for (unsigned i = 0; i < 64 * 256 && flushed < 2; ++i) {
    gather->Add(RemoteWord(headers[i % 64], i / 64 % 4), uint64_t{1} << i / 256, 1040, flush);
  }
  EXPECT_GE(flushed, 2u) << "too many bytes";
  gather->FlushAll(flush);
}

TEST(RemoteListTest, GivesEachWordOnceWithItsBits) {
  Headers headers;
  auto list = std::make_unique<RemoteList>();
  EXPECT_TRUE(list->Empty());
  for (unsigned i = 0; i < 10; ++i) {
    headers[i]->remote.Release(i % 4, uint64_t{1} << i);
    list->Push(RemoteWord(headers[i], i % 4));
  }
  EXPECT_FALSE(list->Empty());
  unsigned seen = 0;
  const auto collect = [&](PageHeader* page, unsigned w, uint64_t mask) {
    const unsigned i = 9 - seen++;
    EXPECT_EQ(page, headers[i]);
    EXPECT_EQ(w, i % 4);
    EXPECT_EQ(mask, uint64_t{1} << i);
  };
  list->Take(3, collect);
  EXPECT_EQ(seen, 3u);
  EXPECT_FALSE(list->Empty());
  list->Take(RemoteList::kAll, collect);
  EXPECT_EQ(seen, 10u);
  EXPECT_TRUE(list->Empty());
}

// Threads put each bit in once for every time the owner took it out: none may be lost or come
// twice.
TEST(RemoteListTest, NothingIsLostBetweenThreads) {
  constexpr unsigned kThreads = 3;
  constexpr unsigned kRounds = 3000;
  constexpr unsigned kPages = 8;
  Headers headers;
  auto list = std::make_unique<RemoteList>();
  // What each thread may free: its own slots of every word.
  std::atomic<uint64_t> available[kThreads][kPages];
  for (auto& pages : available) {
    for (auto& bits : pages) bits = ~uint64_t{0};
  }
  std::atomic<unsigned> running{kThreads};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      for (unsigned round = 0; round < kRounds; ++round) {
        const unsigned page = static_cast<unsigned>(random() % kPages);
        const uint64_t mask = available[t][page].exchange(0) & random();
        if (mask == 0) continue;
        const RemoteWord word(headers[page], t);  // words of a thread's own: bits stay apart
        if (word.page()->remote.Release(word.word(), mask) == 0) list->Push(word);
      }
      --running;
    });
  }
  const auto collect = [&](PageHeader* page, unsigned w, uint64_t mask) {
    EXPECT_NE(mask, 0u);
    const size_t index = static_cast<size_t>(page - headers[0]);
    EXPECT_EQ(available[w][index].fetch_or(mask) & mask, 0u);
  };
  while (running != 0) list->Take(2, collect);
  for (std::thread& thread : threads) thread.join();
  list->Take(RemoteList::kAll, collect);
  for (size_t p = 0; p < kPages; ++p) EXPECT_TRUE(headers[p]->remote.Peek(0) == 0);
}

class RemoteGatherTest : public testing::Test {
 protected:
  bool Add(size_t page, unsigned slot, size_t stride = 64) {
    const RemoteWord word(headers_[page], SlotBitmap::WordOf(slot));
    return gather_->Add(word, SlotBitmap::BitOf(slot), stride,
                        [this](RemoteWord w, uint64_t mask) { Flush(w, mask); });
  }
  void FlushAll() {
    gather_->FlushAll([this](RemoteWord w, uint64_t mask) { Flush(w, mask); });
  }
  void Flush(RemoteWord word, uint64_t mask) {
    ++flushes_;
    EXPECT_NE(mask, 0u);
    EXPECT_EQ(flushed_[word.bits()] & mask, 0u) << "flushed twice";
    flushed_[word.bits()] |= mask;
  }
  uint64_t Gathered() const {
    uint64_t blocks = 0;
    gather_->ForEach([&](RemoteWord, uint64_t mask) { blocks += SlotBitmap::PopCount(mask); });
    return blocks;
  }
  uint64_t Flushed() const {
    uint64_t blocks = 0;
    for (const auto& [word, mask] : flushed_) blocks += SlotBitmap::PopCount(mask);
    return blocks;
  }

  Headers headers_;
  std::unique_ptr<RemoteGather> gather_ = std::make_unique<RemoteGather>();
  std::map<uintptr_t, uint64_t> flushed_;
  unsigned flushes_ = 0;
};

TEST_F(RemoteGatherTest, AFullWordGoesAtOnce) {
  for (unsigned slot = 0; slot < 63; ++slot) ASSERT_TRUE(Add(0, slot));
  EXPECT_EQ(flushes_, 0u);
  EXPECT_EQ(Gathered(), 63u);
  ASSERT_TRUE(Add(0, 63));
  EXPECT_EQ(flushes_, 1u);
  EXPECT_EQ(Flushed(), 64u);
  EXPECT_EQ(Gathered(), 0u);
  FlushAll();
  EXPECT_EQ(flushes_, 1u);
}

TEST_F(RemoteGatherTest, SaysWhatIsInItAlready) {
  EXPECT_TRUE(Add(0, 5));
  EXPECT_FALSE(Add(0, 5));
  EXPECT_TRUE(Add(0, 6));
  EXPECT_TRUE(Add(1, 5));
  FlushAll();
  EXPECT_TRUE(Add(0, 5 + 64));
}

TEST_F(RemoteGatherTest, IsBoundedInBytes) {
  constexpr size_t kStride = RemoteGather::kLargestStride;
  size_t most = 0;
  for (size_t i = 0; i < 5000; ++i) {
    // Few of each word, so that none fills up.
    Add(i / 10 % Headers::kCount, static_cast<unsigned>(i % 10), kStride);
    most = std::max<size_t>(most, Gathered() * kStride);
  }
  EXPECT_LE(most, RemoteGather::kMostBytes);
  EXPECT_GT(Flushed(), 0u);
}

// Whatever is added comes out exactly once.
TEST_F(RemoteGatherTest, NothingIsLostNorDoubled) {
  std::mt19937_64 random(11);
  std::vector<std::pair<size_t, unsigned>> blocks;
  for (size_t page = 0; page < 200; ++page) {
    for (unsigned slot = 0; slot < kSlotsPerPage; ++slot) blocks.emplace_back(page, slot);
  }
  std::shuffle(blocks.begin(), blocks.begin() + 20000, random);
  for (const auto& [page, slot] : blocks) ASSERT_TRUE(Add(page, slot, 16));
  EXPECT_EQ(Gathered() + Flushed(), blocks.size());
  FlushAll();
  EXPECT_EQ(Flushed(), blocks.size());
  EXPECT_EQ(Gathered(), 0u);
  EXPECT_LT(flushes_, blocks.size() / 2);
}

}  // namespace
}  // namespace mymalloc
