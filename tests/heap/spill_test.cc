#include "mymalloc/heap/spill.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

constexpr unsigned kBlocks = Bundle::kBlocks;

class SpillTest : public testing::Test {
 protected:
  // A bundle of entries that `seed` determines.
  bool Put(SizeClass c, uintptr_t seed, uint16_t now = 0) {
    Entry entries[kBlocks];
    for (unsigned i = 0; i < kBlocks; ++i) entries[i] = seed * 1000 + i;
    return spill_->Put(c, entries, now);
  }
  uintptr_t Take(SizeClass c) {
    Entry entries[kBlocks];
    spill_->Take(c, entries);
    return SeedOf(entries);
  }
  static uintptr_t SeedOf(const Entry* entries) {
    const uintptr_t seed = entries[0] / 1000;
    for (unsigned i = 0; i < kBlocks; ++i) EXPECT_EQ(entries[i], seed * 1000 + i);
    return seed;
  }
  std::vector<uintptr_t> Decay(uint16_t now, uint16_t age, bool* left) {
    std::vector<uintptr_t> seeds;
    Step unlimited(Step::kUnlimited);
    const bool done = spill_->Decay(kSmallestClass, now, age, &unlimited,
                                    [&](const Entry* entries, unsigned count) {
                                      EXPECT_EQ(count, kBlocks);
                                      seeds.push_back(SeedOf(entries));
                                    });
    EXPECT_TRUE(done);
    *left = spill_->Holds(kSmallestClass);
    return seeds;
  }

  std::unique_ptr<Spill> spill_ = std::make_unique<Spill>();
};

TEST_F(SpillTest, LastInFirstOut) {
  EXPECT_FALSE(spill_->Holds(kSmallestClass));
  for (uintptr_t seed = 1; seed <= 10; ++seed) ASSERT_TRUE(Put(kSmallestClass, seed));
  for (uintptr_t seed = 10; seed >= 1; --seed) {
    ASSERT_TRUE(spill_->Holds(kSmallestClass));
    EXPECT_EQ(Take(kSmallestClass), seed);
  }
  EXPECT_FALSE(spill_->Holds(kSmallestClass));
}

TEST_F(SpillTest, ClassesAreApart) {
  const SizeClass other = kSmallestClass + 1;
  ASSERT_TRUE(Spill::Takes(other));
  ASSERT_TRUE(Put(kSmallestClass, 1));
  ASSERT_TRUE(Put(other, 2));
  EXPECT_EQ(Take(kSmallestClass), 1u);
  EXPECT_FALSE(spill_->Holds(kSmallestClass));
  EXPECT_EQ(Take(other), 2u);
}

TEST_F(SpillTest, IsBoundedInBytes) {
  SizeClass largest = kSmallestClass;
  while (Spill::Takes(largest + 1)) ++largest;
  for (const SizeClass c : {kSmallestClass, largest}) {
    size_t bytes = 0;
    while (Put(c, 1)) bytes += kBlocks * StrideOf(c);
    EXPECT_LE(bytes, Spill::kMostBytes);
    EXPECT_GT(bytes + kBlocks * StrideOf(c), Spill::kMostBytes);
    while (spill_->Holds(c)) Take(c);
  }
}

TEST_F(SpillTest, DecayStopsWhereTheStepIsOver) {
  constexpr uintptr_t kBundles = 500;
  for (uintptr_t seed = 1; seed <= kBundles; ++seed) ASSERT_TRUE(Put(kSmallestClass, seed));
  size_t given = 0;
  int steps = 0;
  for (bool done = false; !done; ++steps) {
    Step step;
    const size_t before = given;
    done = spill_->Decay(kSmallestClass, /*now=*/9, /*age=*/2, &step,
                         [&](const Entry*, unsigned) { ++given; });
    EXPECT_LT(given - before, kBundles / 4);
    EXPECT_EQ(spill_->Holds(kSmallestClass), !done);
  }
  EXPECT_EQ(given, kBundles);
  EXPECT_GT(steps, 4);
  EXPECT_EQ(spill_->bytes(), 0u);
}

TEST_F(SpillTest, DecayGivesBackTheOldOnes) {
  for (uint16_t tick = 1; tick <= 5; ++tick) ASSERT_TRUE(Put(kSmallestClass, tick, tick));
  bool left = false;
  EXPECT_EQ(Decay(6, 3, &left), (std::vector<uintptr_t>{3, 2, 1}));
  EXPECT_TRUE(left);
  EXPECT_EQ(Take(kSmallestClass), 5u);
  EXPECT_EQ(Decay(6, 0, &left), (std::vector<uintptr_t>{4}));
  EXPECT_FALSE(left);
}

TEST_F(SpillTest, TheClockMayWrapAround) {
  ASSERT_TRUE(Put(kSmallestClass, 1, 0xffff));
  bool left = false;
  EXPECT_TRUE(Decay(0, 2, &left).empty());
  EXPECT_TRUE(left);
  EXPECT_EQ(Decay(1, 2, &left).size(), 1u);
}

TEST_F(SpillTest, VisitsAll) {
  for (uintptr_t seed = 1; seed <= 4; ++seed) ASSERT_TRUE(Put(kSmallestClass, seed));
  uintptr_t sum = 0;
  spill_->ForEach(kSmallestClass, [&](const Entry* entries, unsigned) { sum += SeedOf(entries); });
  EXPECT_EQ(sum, 1u + 2 + 3 + 4);
}

}  // namespace
}  // namespace mymalloc
