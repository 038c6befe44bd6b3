#include "mymalloc/heap/quarantine.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

constexpr size_t kNoLimit = ~size_t{0};

// Memory at a multiple of 16, with bytes before and behind that must stay as they are.
class Memory {
 public:
  explicit Memory(size_t bytes) : bytes_(bytes), granules_(bytes / 16 + 4) {
    memset(static_cast<void*>(granules_.data()), kOutside, granules_.size() * 16);
  }
  uintptr_t begin() const { return reinterpret_cast<uintptr_t>(&granules_[1]); }
  unsigned char& At(size_t i) const { return reinterpret_cast<unsigned char*>(begin())[i]; }
  bool OutsideIsIntact() const {
    for (size_t i = 1; i <= 8; ++i) {
      if ((&At(0))[-static_cast<ptrdiff_t>(i)] != kOutside || At(bytes_ + i - 1) != kOutside)
        return false;
    }
    return true;
  }

 private:
  static constexpr unsigned char kOutside = 0x77;
  struct alignas(16) Granule {
    unsigned char bytes[16];
  };
  size_t bytes_;
  std::vector<Granule> granules_;
};

class QuarantineTest : public testing::Test {
 protected:
  uintptr_t NewBlock(SizeClass c) {
    memory_.push_back(std::make_unique<Memory>(UsableOf(c)));
    return memory_.back()->begin();
  }
  std::vector<uintptr_t> PutBlocks(unsigned count, SizeClass c = SizeClass{1}) {
    std::vector<uintptr_t> blocks;
    for (unsigned i = 0; i < count; ++i) {
      blocks.push_back(NewBlock(c));
      EXPECT_TRUE(quarantine_.HasRoom(c, kNoLimit));
      EXPECT_TRUE(quarantine_.Put({blocks.back(), c}));
    }
    return blocks;
  }
  std::vector<uintptr_t> Blocks() const {
    std::vector<uintptr_t> blocks;
    quarantine_.ForEach([&](Quarantine::Item item) { blocks.push_back(item.block); });
    return blocks;
  }

  std::vector<std::unique_ptr<Memory>> memory_;
  Quarantine quarantine_{};  // as in a heap: zeroed
};

void ExpectFillAndFind(size_t bytes) {
  const Memory memory(bytes);
  Quarantine::Fill(memory.begin(), bytes);
  ASSERT_TRUE(memory.OutsideIsIntact()) << bytes;
  ASSERT_TRUE(Quarantine::IsFilled(memory.begin(), bytes)) << bytes;
  ASSERT_EQ(Quarantine::FindForeignByte(memory.begin(), bytes), 0u) << bytes;
  const size_t step = bytes <= 1100 ? 1 : bytes / 499;
  for (size_t i = 0; i < bytes; i += step) {
    memory.At(i) ^= 1;
    ASSERT_FALSE(Quarantine::IsFilled(memory.begin(), bytes)) << bytes << " " << i;
    ASSERT_EQ(Quarantine::FindForeignByte(memory.begin(), bytes), memory.begin() + i);
    memory.At(i) ^= 1;
  }
  Quarantine::Fill(memory.begin(), bytes, 0);
  for (size_t i = 0; i < bytes; ++i) ASSERT_EQ(memory.At(i), 0) << bytes << " " << i;
  ASSERT_TRUE(memory.OutsideIsIntact()) << bytes;
}

TEST_F(QuarantineTest, EveryLengthIsFilledToItsEndAndAWriteToAnyByteIsFound) {
  for (size_t bytes = 8; bytes <= 1100; bytes += 8) ExpectFillAndFind(bytes);
}

TEST_F(QuarantineTest, EveryClassIsFilledToItsEndAndAWriteIsFound) {
  for (const SizeClass c : EachSizeClass()) ExpectFillAndFind(UsableOf(c));
}

TEST_F(QuarantineTest, FindWriteLooksAtTheWholeBlock) {
  for (const SizeClass c : EachSizeClass()) {
    Quarantine::Item item{NewBlock(c), c};
    ASSERT_TRUE(quarantine_.Put(item));
    item = quarantine_.Take(0);
    ASSERT_EQ(item.size_class, c);
    ASSERT_EQ(Quarantine::FindWrite(item), 0u) << c.value();
    for (const size_t i : {size_t{0}, UsableOf(c) / 2, UsableOf(c) - 1}) {
      memory_.back()->At(i) = 0;
      ASSERT_EQ(Quarantine::FindWrite(item), item.block + i) << c.value();
      memory_.back()->At(i) = Quarantine::kPattern;
    }
    memory_.back()->At(UsableOf(c)) = 0;  // the next one's tag
    ASSERT_EQ(Quarantine::FindWrite(item), 0u) << c.value();
  }
}

TEST_F(QuarantineTest, TheOldestLeavesFirstHoweverOftenTheRingGoesRound) {
  std::vector<uintptr_t> blocks = PutBlocks(100);
  EXPECT_EQ(Blocks(), blocks);
  for (unsigned i = 0; i < 2 * Quarantine::kMostBlocks; ++i) {
    const Quarantine::Item item = quarantine_.Take(0);
    ASSERT_EQ(item.block, blocks[i % blocks.size()]) << i;
    ASSERT_TRUE(quarantine_.Put(item));
  }
}

TEST_F(QuarantineTest, ARandomOneOfTheOldestLeaves) {
  for (const unsigned count : {1u, 2u, 7u, 16u, 127u, 128u, 300u}) {
    const std::vector<uintptr_t> blocks = PutBlocks(count);
    const unsigned half = std::min((count + 1) / 2, 64u);
    std::set<uintptr_t> taken;
    // One random number from each part of the range.
    for (unsigned i = 0; i < half; ++i) {
      const uint32_t random = static_cast<uint32_t>((uint64_t{i} << 32) / half + (i == 0 ? 0 : 1));
      const std::vector<uintptr_t> before = Blocks();
      const Quarantine::Item item = quarantine_.Take(random);
      EXPECT_EQ(item.block, before[i]);
      taken.insert(item.block);
      // The others stay, each once.
      const std::vector<uintptr_t> left = Blocks();
      std::set<uintptr_t> all(left.begin(), left.end());
      EXPECT_EQ(all.size(), count - 1);
      EXPECT_EQ(all.count(item.block), 0u);
      while (!Blocks().empty()) quarantine_.Take(0);
      for (const uintptr_t block : blocks) ASSERT_TRUE(quarantine_.Put({block, SizeClass{1}}));
    }
    EXPECT_EQ(taken.size(), half);
    EXPECT_EQ(quarantine_.Take(~uint32_t{0}).block, blocks[half - 1]);
    while (!Blocks().empty()) quarantine_.Take(0);
  }
}

TEST_F(QuarantineTest, StridesCountAgainstTheBoundUntilTheBlockLeaves) {
  const SizeClass small = ClassOf(200);
  const SizeClass medium = ClassOf(3000);
  const size_t most = 10 * StrideOf(small) + StrideOf(medium);
  PutBlocks(10, small);
  EXPECT_TRUE(quarantine_.HasRoom(medium, most));
  EXPECT_FALSE(quarantine_.HasRoom(medium, most - 1));
  PutBlocks(1, medium);
  EXPECT_FALSE(quarantine_.HasRoom(kSmallestClass, most));
  quarantine_.Take(0);
  EXPECT_TRUE(quarantine_.HasRoom(small, most));
  EXPECT_FALSE(quarantine_.HasRoom(small + 1, most));
  while (!Blocks().empty()) quarantine_.Take(~uint32_t{0});
  EXPECT_TRUE(quarantine_.HasRoom(medium, StrideOf(medium)));
}

TEST_F(QuarantineTest, AShortBlockCountsAsMoreThanItHas) {
  const size_t most = 10 * Quarantine::kLeastWeight;
  PutBlocks(9, kSmallestClass);
  EXPECT_TRUE(quarantine_.HasRoom(kSmallestClass, most));
  PutBlocks(1, kSmallestClass);
  EXPECT_FALSE(quarantine_.HasRoom(kSmallestClass, most));
  quarantine_.Take(0);
  EXPECT_TRUE(quarantine_.HasRoom(ClassOf(Quarantine::kLeastWeight - kTagBytes), most));
}

TEST_F(QuarantineTest, HoldsNoMoreBlocksThanItsRing) {
  PutBlocks(Quarantine::kMostBlocks);
  EXPECT_FALSE(quarantine_.HasRoom(SizeClass{1}, kNoLimit));
  quarantine_.Take(0);
  EXPECT_TRUE(quarantine_.HasRoom(SizeClass{1}, kNoLimit));
}

}  // namespace
}  // namespace mymalloc
