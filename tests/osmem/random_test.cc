// Random calls of several threads, each block checked against a model of what is in it.

#include <gtest/gtest.h>
#include <string.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "mymalloc/mymalloc.h"
#include "mymalloc/osmem.h"
#include "tests/support/block.h"

namespace mymalloc::test {
namespace {

struct Block {
  char* begin = nullptr;
  size_t size = 0;
  uint64_t seed = 0;

  bool Intact(size_t n) const { return MatchesPattern(begin, n, seed); }
};

// Blocks that one thread has left for another to free or resize.
class Table {
 public:
  // Puts one in, and takes out what was there.
  Block Exchange(size_t at, const Block& block) {
    const std::lock_guard<std::mutex> holder(mutex_);
    return std::exchange(blocks_[at % kBlocks], block);
  }

 private:
  static constexpr size_t kBlocks = 500;
  std::mutex mutex_;
  Block blocks_[kBlocks];
};

class Player {
 public:
  Player(Table* table, uint32_t seed) : table_(table), random_(seed) {}

  void Play() {
    constexpr int kSteps = 60000;
    for (int i = 0; i < kSteps && !testing::Test::HasFailure(); ++i) {
      Block block = table_->Exchange(random_(), {});
      if (block.begin == nullptr) {
        block = Make();
      } else if (random_() % 3 == 0) {
        ASSERT_TRUE(block.Intact(block.size));
        os_free(block.begin);
        block = {};
      } else {
        ASSERT_NO_FATAL_FAILURE(Resize(&block));
      }
      Drop(table_->Exchange(random_(), block));
    }
  }

  static void Drop(const Block& block) {
    if (block.begin == nullptr) return;
    ASSERT_TRUE(block.Intact(block.size));
    os_free(block.begin);
  }

 private:
  // Mostly short, some around the threshold and above.
  size_t Size() {
    const size_t shift = random_() % 18;
    return 1 + random_() % (size_t{2} << shift);
  }

  Block Make() {
    Block block;
    block.size = Size();
    block.seed = random_();
    const bool cleared = block.seed % 2 == 0;
    block.begin = static_cast<char*>(cleared ? os_calloc(block.size, 1) : os_malloc(block.size));
    EXPECT_NE(block.begin, nullptr);
    EXPECT_TRUE(!cleared || IsZero(block.begin, block.size));
    FillPattern(block.begin, block.size, block.seed);
    return block;
  }

  void Resize(Block* block) {
    const size_t n = Size();
    block->begin = static_cast<char*>(os_realloc(block->begin, n));
    ASSERT_NE(block->begin, nullptr);
    ASSERT_TRUE(block->Intact(std::min(n, block->size)));
    block->size = n;
    block->seed = random_();
    FillPattern(block->begin, n, block->seed);
  }

  Table* const table_;
  std::mt19937 random_;
};

void PlayTogether(unsigned players) {
  Table table;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < players; ++i) {
    threads.emplace_back([&table, i] { Player(&table, i).Play(); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_STREQ(mymalloc_verify(), nullptr);
  for (size_t i = 0; i < 500; ++i) Player::Drop(table.Exchange(i, {}));
  EXPECT_STREQ(mymalloc_verify(), nullptr);
}

size_t LiveBlocks() {
  mymalloc_statistics stats = {};
  stats.struct_size = sizeof(stats);
  EXPECT_EQ(mymalloc_stats(&stats), 0);
  return stats.live_blocks;
}

TEST(OsmemRandomTest, OneThread) {
  PlayTogether(1);
  EXPECT_EQ(LiveBlocks(), 0u);
}

TEST(OsmemRandomTest, ThreadsThatFreeAndResizeEachOthersBlocks) {
  PlayTogether(4);
  EXPECT_EQ(LiveBlocks(), 0u);
}

// In hardened mode a tag is told by 15 bits only, so some of these words would do for one.
TEST(OsmemRandomTest, WhatAProgramWritesIsNotTakenForATag) {
  constexpr size_t kSize = 4000;  // a run of as many slots as may be, nearly
  constexpr int kRounds = 5000;
  auto* const words = static_cast<uint64_t*>(os_malloc(kSize));
  std::mt19937_64 random(20261128);
  for (int round = 0; round < kRounds; ++round) {
    std::generate_n(words, kSize / sizeof(*words), std::ref(random));
    for (size_t i = 0; i < kSize / sizeof(*words); i += 8) {
      mymalloc_info info;
      ASSERT_EQ(mymalloc_find(words + i, &info), 0);
      ASSERT_EQ(info.base, words) << "word " << i << ", round " << round;
    }
  }
  os_free(words);
}

}  // namespace
}  // namespace mymalloc::test
