// Millions of random operations against the model, over spaces in which ranges are rare, crowded,
// of one size or of very different ones, while the tree grows and shrinks again and again.

#include <cstdint>
#include <ostream>
#include <random>

#include "gtest/gtest.h"
#include "tests/tree/checked_tree.h"

namespace mymalloc {
namespace {

struct Shape {
  const char* name;
  uint64_t space;       // addresses lie below this
  unsigned length_log;  // lengths lie around powers of two up to this one
  size_t most;          // ranges in the tree when it turns to shrinking
  unsigned operations;
};

void PrintTo(const Shape& shape, std::ostream* os) { *os << shape.name; }

class IntervalTreePropertyTest : public ::testing::TestWithParam<Shape> {
 protected:
  uint64_t Random(uint64_t n) { return random_() % n; }

  Interval RandomRange() {
    const uint64_t begin = Random(GetParam().space);
    const uint64_t length = 1 + Random(uint64_t{1} << Random(GetParam().length_log + 1));
    return {begin, begin + length};
  }

  // The begin of a range, most of the time.
  uint64_t RandomBegin() {
    const uint64_t address = Random(GetParam().space);
    if (Random(16) == 0) return address;
    const CheckedTree::Entry above = tree_.tree().Successor(address);
    return above ? above.range.begin : tree_.tree().Successor(0).range.begin;
  }

  void Edit() {
    // A crowded space may be full before the tree has as many ranges as it should: time ends it.
    const bool time_is_up = ++phase_ > GetParam().operations / 5;
    if (growing_ ? tree_.size() >= GetParam().most || time_is_up : tree_.size() == 0) {
      growing_ = !growing_;
      phase_ = 0;
      ++turns_;
    }
    const uint64_t dice = Random(100);
    if (dice < 20) {
      tree_.Replace(RandomBegin(), RandomRange(), random_());
    } else if ((dice < 76) == growing_) {
      tree_.Insert(RandomRange(), random_());
    } else {
      tree_.Erase(RandomBegin());
    }
  }

  // Grows or shrinks a range at one of its ends, as page supply does all the time.
  void Trim() {
    const CheckedTree::Entry entry = tree_.tree().Find(RandomBegin());
    if (!entry) return;
    Interval range = entry.range;
    const uint64_t step = 1 + Random(4);
    if (Random(2) == 0) {
      range.begin += Random(2) == 0 ? step : (range.begin >= step ? 0 - step : 0);
    } else {
      range.end += Random(2) == 0 ? step : (range.end >= step ? 0 - step : 0);
    }
    if (range.begin < range.end) tree_.Replace(entry.range.begin, range, entry.value + 1);
  }

  void Ask(unsigned i) {
    tree_.ExpectSameAt(Random(GetParam().space + 10));
    if (i % 64 == 0) tree_.ExpectSameOverlaps(RandomRange());
    if (i % 1024 == 0) tree_.ExpectSameRoom(RandomRange().length());
    if (i % 8192 == 0) tree_.ExpectSound();
  }

  std::mt19937_64 random_{1};
  CheckedTree tree_;
  bool growing_ = true;
  unsigned phase_ = 0;
  unsigned turns_ = 0;
};

TEST_P(IntervalTreePropertyTest, AgreesWithTheModel) {
  for (unsigned i = 0; i < GetParam().operations && !HasFailure(); ++i) {
    if (i % 5 == 4) {
      Trim();
    } else {
      Edit();
    }
    Ask(i);
  }
  tree_.ExpectSound();
  EXPECT_GE(turns_, 3u) << "it must grow and shrink, and grow once more";
}

INSTANTIATE_TEST_SUITE_P(
    All, IntervalTreePropertyTest,
    ::testing::Values(Shape{"One", 64, 3, 12, 300000},            // a leaf, at times not even that
                      Shape{"Tiny", 1000, 3, 200, 500000},        // one or two levels
                      Shape{"Crowded", 20000, 2, 15000, 800000},  // ranges touch
                      Shape{"Uniform", 40000, 0, 10000, 500000},  // every summary is 1
                      Shape{"Mixed", 1 << 24, 16, 20000, 1000000},  // a few large ones rule
                      Shape{"Sparse", ~uint64_t{0} / 2, 40, 30000, 1000000}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace mymalloc
