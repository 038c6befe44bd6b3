// Orders of insertion and erasure that wear a search tree out on one side, and every order there is
// for a few ranges.

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "tests/tree/checked_tree.h"

namespace mymalloc {
namespace {

using Order = std::vector<uint64_t>;

Order Ascending(uint64_t n) {
  Order order(n);
  std::iota(order.begin(), order.end(), uint64_t{0});
  return order;
}

Order Descending(uint64_t n) {
  Order order = Ascending(n);
  std::reverse(order.begin(), order.end());
  return order;
}

// 0, n - 1, 1, n - 2, ...
Order OutsideIn(uint64_t n) {
  Order order;
  for (uint64_t i = 0; i < n; ++i) order.push_back(i % 2 == 0 ? i / 2 : n - 1 - i / 2);
  return order;
}

Order InsideOut(uint64_t n) {
  Order order = OutsideIn(n);
  std::reverse(order.begin(), order.end());
  return order;
}

// Every other one, then those in between.
Order EvenThenOdd(uint64_t n) {
  Order order;
  for (uint64_t i = 0; i < n; i += 2) order.push_back(i);
  for (uint64_t i = 1; i < n; i += 2) order.push_back(i);
  return order;
}

// Runs that ascend, at places that descend.
Order Sawtooth(uint64_t n) {
  constexpr uint64_t kRun = 100;
  Order order;
  for (uint64_t run = (n + kRun - 1) / kRun; run-- > 0;) {
    for (uint64_t i = run * kRun; i < std::min(n, (run + 1) * kRun); ++i) order.push_back(i);
  }
  return order;
}

Order Shuffled(uint64_t n) {
  Order order = Ascending(n);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(7));
  return order;
}

struct NamedOrder {
  const char* name;
  Order (*make)(uint64_t n);
};

constexpr NamedOrder kOrders[] = {
    {"Ascending", Ascending}, {"Descending", Descending},   {"OutsideIn", OutsideIn},
    {"InsideOut", InsideOut}, {"EvenThenOdd", EvenThenOdd}, {"Sawtooth", Sawtooth},
    {"Shuffled", Shuffled},
};

// Range number i; touching its neighbours, and of a length of its own.
Interval RangeOf(uint64_t i) { return {i * 16, i * 16 + 1 + (i * 7919) % 16}; }

class IntervalTreeOrdersTest : public ::testing::TestWithParam<std::tuple<NamedOrder, NamedOrder>> {
};

TEST_P(IntervalTreeOrdersTest, FillAndDrain) {
  constexpr uint64_t kRanges = 5000;
  constexpr size_t kChecks = 20;
  const auto& [fill, drain] = GetParam();
  CheckedTree tree;
  size_t step = 0;
  for (const uint64_t i : fill.make(kRanges)) {
    ASSERT_TRUE(tree.Insert(RangeOf(i), i));
    if (++step % (kRanges / kChecks) == 0) tree.ExpectSound();
  }
  for (const uint64_t i : drain.make(kRanges)) {
    ASSERT_TRUE(tree.Erase(RangeOf(i).begin));
    if (++step % (kRanges / kChecks) != 0) continue;
    tree.ExpectSound();
    tree.ExpectSameRoom(1 + i % 16);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_EQ(tree.allocator().live(), 0u);
}

INSTANTIATE_TEST_SUITE_P(All, IntervalTreeOrdersTest,
                         ::testing::Combine(::testing::ValuesIn(kOrders),
                                            ::testing::ValuesIn(kOrders)),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param).name) + "Then" +
                                  std::get<1>(test.param).name;
                         });

TEST(IntervalTreeEveryOrderTest, SixRanges) {
  Order fill = Ascending(6);
  do {
    Order drain = Ascending(6);
    do {
      CheckedTree tree;
      for (const uint64_t i : fill) tree.Insert(RangeOf(i), i);
      for (const uint64_t i : drain) tree.Erase(RangeOf(i).begin);
      ASSERT_TRUE(tree.tree().empty());
      ASSERT_FALSE(HasFailure());
    } while (std::next_permutation(drain.begin(), drain.end()));
  } while (std::next_permutation(fill.begin(), fill.end()));
}

// Fills a leaf and a few more, then erases a window at every place, so that each merge and each
// evening out meets each place in a node.
TEST(IntervalTreeWindowTest, EveryWindowIsErasedAndRefilled) {
  constexpr uint64_t kRanges = 400;
  constexpr uint64_t kWindow = 90;
  CheckedTree tree;
  for (uint64_t i = 0; i < kRanges; ++i) ASSERT_TRUE(tree.Insert(RangeOf(i), i));
  for (uint64_t first = 0; first + kWindow <= kRanges; ++first) {
    for (uint64_t i = first; i < first + kWindow; ++i) ASSERT_TRUE(tree.Erase(RangeOf(i).begin));
    tree.ExpectSound();
    for (uint64_t i = first + kWindow; i-- > first;) ASSERT_TRUE(tree.Insert(RangeOf(i), i));
    tree.ExpectSound();
    ASSERT_FALSE(::testing::Test::HasFailure());
  }
}

// Ascending ranges, as pages that are cut from a fresh chunk make them, must pack well.
TEST(IntervalTreePackingTest, AscendingAndDescendingRangesPackTheNodes) {
  constexpr uint64_t kRanges = 100000;
  constexpr uint64_t kPerNode = 3 * tree_internal::Leaf<uint64_t>::kCapacity / 4;
  for (const auto make : {Ascending, Descending}) {
    CheckedTree tree;
    for (const uint64_t i : make(kRanges)) tree.Insert(RangeOf(i), i);
    EXPECT_LT(tree.allocator().live() * (kPerNode - 1), kRanges * 21 / 20);
  }
}

}  // namespace
}  // namespace mymalloc
