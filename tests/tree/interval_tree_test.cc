// What each operation means, one small case at a time.

#include "tree/interval_tree.h"

#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/tree/counting_allocator.h"
#include "tree/verify.h"

namespace mymalloc {
namespace {

using Tree = IntervalTree<uint64_t, CountingAllocator>;

constexpr uint64_t kTop = ~uint64_t{0};

// A global tree needs neither a constructor nor a destructor to run.
CountingAllocator global_allocator;
Tree global_tree(&global_allocator);
static_assert(std::is_trivially_destructible<Tree>::value);
constexpr Tree kConstantTree(nullptr);

class IntervalTreeTest : public ::testing::Test {
 protected:
  ~IntervalTreeTest() override {
    EXPECT_FALSE(Verify(tree_));
    tree_.Clear();
  }

  void Insert(uint64_t begin, uint64_t end, uint64_t value) {
    ASSERT_EQ(tree_.Insert({begin, end}, value), InsertResult::kInserted);
  }

  // [10, 20) -> 1, [20, 30) -> 2, [50, 55) -> 3
  void InsertThree() {
    Insert(20, 30, 2);
    Insert(50, 55, 3);
    Insert(10, 20, 1);
  }

  // The values, or 0 for none.
  uint64_t ValueAt(uint64_t address) const { return tree_.Stab(address).value; }
  uint64_t ValueBefore(uint64_t address) const { return tree_.Predecessor(address).value; }
  uint64_t ValueFrom(uint64_t address) const { return tree_.Successor(address).value; }

  std::vector<uint64_t> ValuesIn(uint64_t begin, uint64_t end) const {
    std::vector<uint64_t> values;
    EXPECT_TRUE(tree_.Overlap({begin, end}, [&](const Tree::Entry& entry) {
      values.push_back(entry.value);
      return true;
    }));
    return values;
  }

  CountingAllocator allocator_;
  Tree tree_{&allocator_};
};

using Values = std::vector<uint64_t>;

TEST_F(IntervalTreeTest, AnEmptyTreeHasNothing) {
  EXPECT_TRUE(tree_.empty());
  EXPECT_EQ(tree_.size(), 0u);
  EXPECT_EQ(tree_.height(), 0u);
  EXPECT_FALSE(tree_.Stab(0));
  EXPECT_FALSE(tree_.Find(0));
  EXPECT_FALSE(tree_.Predecessor(kTop));
  EXPECT_FALSE(tree_.Successor(0));
  EXPECT_FALSE(tree_.Erase(0));
  EXPECT_FALSE(tree_.Replace(0, {0, 1}, 0));
  EXPECT_EQ(tree_.Longest(), 0u);
  EXPECT_FALSE(tree_.FirstWithAtLeast(1));
  EXPECT_FALSE(tree_.TightestWithAtLeast(1));
  EXPECT_TRUE(ValuesIn(0, kTop).empty());
  EXPECT_EQ(tree_.begin(), tree_.end());
  EXPECT_EQ(allocator_.live(), 0u);
}

TEST_F(IntervalTreeTest, StabFindsTheRangeAroundAnAddress) {
  InsertThree();
  EXPECT_EQ(ValueAt(9), 0u);
  EXPECT_EQ(ValueAt(10), 1u);
  EXPECT_EQ(ValueAt(19), 1u);
  EXPECT_EQ(ValueAt(20), 2u);
  EXPECT_EQ(ValueAt(29), 2u);
  EXPECT_EQ(ValueAt(30), 0u);
  EXPECT_EQ(ValueAt(54), 3u);
  EXPECT_EQ(ValueAt(55), 0u);
  EXPECT_EQ(ValueAt(0), 0u);
  EXPECT_EQ(ValueAt(kTop), 0u);
  EXPECT_EQ(tree_.Stab(25).range, (Interval{20, 30}));
}

TEST_F(IntervalTreeTest, FindWantsTheExactBegin) {
  InsertThree();
  EXPECT_EQ(tree_.Find(20).value, 2u);
  EXPECT_FALSE(tree_.Find(21));
  EXPECT_FALSE(tree_.Find(30));
}

TEST_F(IntervalTreeTest, NeighboursOfAnAddress) {
  InsertThree();
  EXPECT_EQ(ValueBefore(10), 0u);
  EXPECT_EQ(ValueBefore(11), 1u);
  EXPECT_EQ(ValueBefore(20), 1u);
  EXPECT_EQ(ValueBefore(kTop), 3u);
  EXPECT_EQ(ValueFrom(0), 1u);
  EXPECT_EQ(ValueFrom(10), 1u);
  EXPECT_EQ(ValueFrom(11), 2u);
  EXPECT_EQ(ValueFrom(50), 3u);
  EXPECT_EQ(ValueFrom(51), 0u);
}

TEST_F(IntervalTreeTest, OverlapVisitsInOrderAndStopsWhenTold) {
  InsertThree();
  EXPECT_EQ(ValuesIn(0, 10), Values({}));
  EXPECT_EQ(ValuesIn(0, 11), Values({1}));
  EXPECT_EQ(ValuesIn(19, 21), Values({1, 2}));
  EXPECT_EQ(ValuesIn(20, 30), Values({2}));
  EXPECT_EQ(ValuesIn(30, 50), Values({}));
  EXPECT_EQ(ValuesIn(0, kTop), Values({1, 2, 3}));
  EXPECT_EQ(ValuesIn(15, 15), Values({})) << "an empty range overlaps nothing";
  int visits = 0;
  EXPECT_FALSE(tree_.Overlap({0, kTop}, [&](const Tree::Entry&) { return ++visits < 2; }));
  EXPECT_EQ(visits, 2);
}

TEST_F(IntervalTreeTest, WalkIsInAddressOrder) {
  InsertThree();
  Values values;
  for (const Tree::Entry& entry : tree_) values.push_back(entry.value);
  EXPECT_EQ(values, Values({1, 2, 3}));
}

TEST_F(IntervalTreeTest, InsertRefusesEveryKindOfOverlap) {
  InsertThree();
  const std::pair<uint64_t, uint64_t> bad[] = {{10, 20}, {9, 11},  {19, 20}, {12, 13},
                                               {0, 100}, {29, 51}, {54, 56}, {10, 11}};
  for (const auto& [begin, end] : bad) {
    EXPECT_EQ(tree_.Insert({begin, end}, 9), InsertResult::kOverlaps) << begin << " " << end;
  }
  EXPECT_EQ(tree_.size(), 3u);
  Insert(30, 50, 4);  // just fits
  EXPECT_EQ(ValueAt(49), 4u);
}

TEST_F(IntervalTreeTest, TheEndsOfTheAddressSpace) {
  Insert(0, 1, 1);
  Insert(kTop - 1, kTop, 2);
  EXPECT_EQ(ValueAt(0), 1u);
  EXPECT_EQ(ValueAt(1), 0u);
  EXPECT_EQ(ValueAt(kTop - 1), 2u);
  EXPECT_EQ(ValueAt(kTop), 0u);
  EXPECT_EQ(ValuesIn(kTop - 1, kTop), Values({2}));
  EXPECT_FALSE(tree_.Erase(kTop));
  EXPECT_FALSE(tree_.Replace(kTop, {1, 2}, 0));
  EXPECT_FALSE(tree_.Find(kTop));
  EXPECT_EQ(tree_.Insert({0, kTop}, 3), InsertResult::kOverlaps);
  tree_.Clear();
  Insert(0, kTop, 3);
  EXPECT_EQ(tree_.FirstWithAtLeast(kTop).value, 3u);
  EXPECT_EQ(tree_.TightestWithAtLeast(kTop).value, 3u);
}

TEST_F(IntervalTreeTest, EraseGivesTheEntryBackAndTheMemory) {
  InsertThree();
  EXPECT_FALSE(tree_.Erase(21));
  const Tree::Entry erased = tree_.Erase(20);
  EXPECT_EQ(erased.range, (Interval{20, 30}));
  EXPECT_EQ(erased.value, 2u);
  EXPECT_FALSE(tree_.Erase(20));
  EXPECT_TRUE(tree_.Erase(10));
  EXPECT_TRUE(tree_.Erase(50));
  EXPECT_TRUE(tree_.empty());
  EXPECT_EQ(allocator_.live(), 0u);
}

TEST_F(IntervalTreeTest, ReplaceChangesBoundsAndValue) {
  InsertThree();
  EXPECT_TRUE(tree_.Replace(20, {22, 50}, 7));
  EXPECT_FALSE(tree_.Find(20));
  EXPECT_EQ(ValueAt(21), 0u);
  EXPECT_EQ(ValueAt(49), 7u);
  EXPECT_FALSE(tree_.Replace(20, {20, 30}, 8));
  EXPECT_EQ(tree_.size(), 3u);
}

TEST_F(IntervalTreeTest, RoomFinding) {
  InsertThree();
  Insert(100, 106, 4);
  EXPECT_EQ(tree_.Longest(), 10u);
  EXPECT_EQ(tree_.FirstWithAtLeast(1).value, 1u);
  EXPECT_EQ(tree_.FirstWithAtLeast(10).value, 1u);
  EXPECT_FALSE(tree_.FirstWithAtLeast(11));
  EXPECT_EQ(tree_.TightestWithAtLeast(1).value, 3u);
  EXPECT_EQ(tree_.TightestWithAtLeast(6).value, 4u);
  EXPECT_EQ(tree_.TightestWithAtLeast(7).value, 1u) << "the lowest of equals";
  EXPECT_FALSE(tree_.TightestWithAtLeast(11));
  EXPECT_FALSE(tree_.TightestWithAtLeast(kTop));
}

TEST_F(IntervalTreeTest, ValuesMayBePointers) {
  IntervalTree<const char*, CountingAllocator> names(&allocator_);
  ASSERT_EQ(names.Insert({1, 2}, "one"), InsertResult::kInserted);
  EXPECT_STREQ(names.Stab(1).value, "one");
  EXPECT_EQ(names.Stab(2).value, nullptr);
  names.Clear();
}

TEST_F(IntervalTreeTest, ClearCanBeRepeatedAndTheTreeUsedAgain) {
  for (uint64_t i = 0; i < 10000; ++i) Insert(2 * i, 2 * i + 1, i);
  EXPECT_GT(tree_.height(), 2u);
  tree_.Clear();
  tree_.Clear();
  EXPECT_EQ(tree_.height(), 0u);
  EXPECT_EQ(allocator_.live(), 0u);
  InsertThree();
  EXPECT_EQ(tree_.size(), 3u);
}

TEST(GlobalIntervalTreeTest, Works) {
  EXPECT_TRUE(kConstantTree.empty());
  ASSERT_EQ(global_tree.Insert({1, 2}, 5), InsertResult::kInserted);
  EXPECT_EQ(global_tree.Stab(1).value, 5u);
  global_tree.Clear();
}

}  // namespace
}  // namespace mymalloc
