#include "mymalloc/supply/free_ranges.h"

#include <algorithm>
#include <map>
#include <random>

#include "gtest/gtest.h"
#include "mymalloc/base/units.h"
#include "tree/verify.h"

namespace mymalloc {
namespace {

class FreeRangesTest : public testing::Test {
 protected:
  TreeNodes nodes_;
  FreeRanges ranges_{&nodes_};
};

TEST_F(FreeRangesTest, EmptyGivesNothing) {
  Interval range;
  EXPECT_EQ(ranges_.Take(1), 0u);
  EXPECT_FALSE(ranges_.TakeAt(0x1000, 1));
  EXPECT_FALSE(ranges_.TakeLongest(~size_t{0}, &range));
  EXPECT_EQ(ranges_.bytes(), 0u);
  EXPECT_EQ(ranges_.count(), 0u);
}

TEST_F(FreeRangesTest, JoinsNeighboursOnEitherSide) {
  ASSERT_TRUE(ranges_.Add({0x3000, 0x4000}));
  ASSERT_TRUE(ranges_.Add({0x1000, 0x2000}));
  EXPECT_EQ(ranges_.count(), 2u);
  ASSERT_TRUE(ranges_.Add({0x4000, 0x5000}));  // behind one
  EXPECT_EQ(ranges_.count(), 2u);
  ASSERT_TRUE(ranges_.Add({0x0800, 0x1000}));  // before one
  EXPECT_EQ(ranges_.count(), 2u);
  ASSERT_TRUE(ranges_.Add({0x2000, 0x3000}));  // between two
  EXPECT_EQ(ranges_.count(), 1u);
  EXPECT_EQ(ranges_.bytes(), 0x4800u);
  EXPECT_EQ(ranges_.Take(0x4800), 0x0800u);
}

TEST_F(FreeRangesTest, TakesTheFrontOfTheTightest) {
  ranges_.Add({0x10000, 0x20000});
  ranges_.Add({0x30000, 0x33000});
  ranges_.Add({0x40000, 0x42000});
  EXPECT_EQ(ranges_.Take(0x2000), 0x40000u);
  EXPECT_EQ(ranges_.Take(0x2000), 0x30000u);
  EXPECT_EQ(ranges_.Take(0x2000), 0x10000u);
  EXPECT_EQ(ranges_.Take(0x1000), 0x32000u);
  EXPECT_EQ(ranges_.Take(0xe001), 0u);
  EXPECT_EQ(ranges_.Take(0xe000), 0x12000u);
  EXPECT_EQ(ranges_.bytes(), 0u);
}

TEST_F(FreeRangesTest, TakesAtAnAddress) {
  ranges_.Add({0x10000, 0x20000});
  EXPECT_FALSE(ranges_.TakeAt(0x11000, 0x1000));  // not the front
  EXPECT_FALSE(ranges_.TakeAt(0x10000, 0x10001));
  EXPECT_TRUE(ranges_.TakeAt(0x10000, 0x1000));
  EXPECT_TRUE(ranges_.TakeAt(0x11000, 0xf000));
  EXPECT_EQ(ranges_.count(), 0u);
}

TEST_F(FreeRangesTest, TakesTheEndOfTheLongest) {
  ranges_.Add({0x10000, 0x20000});
  ranges_.Add({0x30000, 0x33000});
  Interval range;
  ASSERT_TRUE(ranges_.TakeLongest(0x4000, &range));
  EXPECT_EQ(range, (Interval{0x1c000, 0x20000}));
  ASSERT_TRUE(ranges_.TakeLongest(~size_t{0}, &range));
  EXPECT_EQ(range, (Interval{0x10000, 0x1c000}));
  ASSERT_TRUE(ranges_.TakeLongest(~size_t{0}, &range));
  EXPECT_EQ(range, (Interval{0x30000, 0x33000}));
  EXPECT_EQ(ranges_.bytes(), 0u);
}

// The plainest model: a map of ranges by their beginning.
class Model {
 public:
  void Add(Interval range) {
    auto after = ranges_.find(range.end);
    if (after != ranges_.end()) {
      range.end = after->second;
      ranges_.erase(after);
    }
    for (auto& [begin, end] : ranges_) {
      if (end != range.begin) continue;
      end = range.end;
      return;
    }
    ranges_[range.begin] = range.end;
  }
  void Remove(Interval range) {
    auto it = std::prev(ranges_.upper_bound(range.begin));
    const Interval whole = {it->first, it->second};
    ASSERT_LE(whole.begin, range.begin);
    ASSERT_GE(whole.end, range.end);
    ranges_.erase(it);
    if (whole.begin < range.begin) ranges_[whole.begin] = range.begin;
    if (range.end < whole.end) ranges_[range.end] = whole.end;
  }
  // The length of the tightest range that has so much; 0 if none.
  uint64_t Tightest(uint64_t bytes) const {
    uint64_t best = 0;
    for (const auto& [begin, end] : ranges_) {
      const uint64_t length = end - begin;
      if (length >= bytes && (best == 0 || length < best)) best = length;
    }
    return best;
  }
  uint64_t LengthAt(uint64_t begin) const {
    const auto it = ranges_.find(begin);
    return it == ranges_.end() ? 0 : it->second - it->first;
  }
  const std::map<uint64_t, uint64_t>& ranges() const { return ranges_; }

 private:
  std::map<uint64_t, uint64_t> ranges_;
};

void ExpectSame(const FreeRanges& ranges, const Model& model) {
  ASSERT_EQ(Verify(ranges.tree()).what, nullptr);
  ASSERT_EQ(ranges.count(), model.ranges().size());
  size_t bytes = 0;
  auto it = model.ranges().begin();
  for (const auto& entry : ranges.tree()) {
    ASSERT_EQ(entry.range.begin, it->first);
    ASSERT_EQ(entry.range.end, it->second);
    bytes += entry.range.length();
    ++it;
  }
  ASSERT_EQ(ranges.bytes(), bytes);
}

TEST_F(FreeRangesTest, DoesAsTheModelDoes) {
  std::mt19937_64 random(7);
  Model model;
  std::vector<Interval> out = {{KernelPage(), 1024 * KernelPage()}};  // what is not in the set
  for (int i = 0; i < 60000; ++i) {
    if (!out.empty() && random() % 2 == 0) {
      std::swap(out[random() % out.size()], out.back());
      ASSERT_TRUE(ranges_.Add(out.back()));
      model.Add(out.back());
      out.pop_back();
    } else {
      const size_t bytes = (1 + random() % 20) * KernelPage();
      Interval taken;
      if (random() % 4 == 0) {
        if (!ranges_.TakeLongest(bytes, &taken)) continue;
      } else {
        const uint64_t tightest = model.Tightest(bytes);
        taken.begin = ranges_.Take(bytes);
        ASSERT_EQ(taken.begin != 0, tightest != 0);
        if (taken.begin == 0) continue;
        taken.end = taken.begin + bytes;
        // The tree's own choice, the tightest among few: here only that the range is one.
        ASSERT_GE(model.LengthAt(taken.begin), tightest);
      }
      model.Remove(taken);
      out.push_back(taken);
    }
    if (i % 200 == 0) ExpectSame(ranges_, model);
  }
  ExpectSame(ranges_, model);
}

}  // namespace
}  // namespace mymalloc
