// Does the verifier see what it is there to see? Each test breaks one thing in a sound tree.

#include "tree/verify.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"
#include "tests/tree/counting_allocator.h"

namespace mymalloc {
namespace {

using Tree = IntervalTree<uint64_t, CountingAllocator>;
using Inspector = IntervalTreeInspector<uint64_t, CountingAllocator>;
using Leaf = Inspector::Leaf;
using Inner = Inspector::Inner;

class VerifyTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kRanges = 5000;

  VerifyTest() {
    for (uint64_t i = 0; i < kRanges; ++i) {
      // Room before and after each range, so that it can be moved without touching another.
      tree_.Insert({i * 100 + 10, i * 100 + 20 + i % 7}, i);
    }
  }

  ~VerifyTest() override {
    EXPECT_EQ(Verdict(), "") << "a test must put back what it broke";
    tree_.Clear();
  }

  std::string Verdict() const {
    const TreeViolation violation = Verify(tree_);
    return violation ? violation.what : "";
  }

  // Sets a part of the tree to another value, and expects the verifier to see it.
  template <typename T, typename U>
  void ExpectSeen(T* part, U broken, const char* what) {
    const T sound = *part;
    ASSERT_NE(sound, static_cast<T>(broken));
    *part = static_cast<T>(broken);
    EXPECT_EQ(Verdict(), what);
    *part = sound;
  }

  Inner* Root() const { return static_cast<Inner*>(Inspector::root(tree_)); }

  // The second child all the way down.
  Inner* LowestInner() const {
    Inner* inner = Root();
    for (unsigned level = Inspector::inner_levels(tree_); level > 1; --level) {
      inner = static_cast<Inner*>(inner->children[1]);
    }
    return inner;
  }

  Leaf* ALeaf() const { return static_cast<Leaf*>(LowestInner()->children[1]); }

  CountingAllocator allocator_;
  Tree tree_{&allocator_};
};

TEST_F(VerifyTest, FindsNothingInASoundTree) {
  ASSERT_GE(Inspector::inner_levels(tree_), 2u);
  EXPECT_EQ(Verdict(), "");
}

TEST_F(VerifyTest, FindsNothingInAnEmptyTree) {
  Tree empty(&allocator_);
  EXPECT_FALSE(Verify(empty));
}

TEST_F(VerifyTest, SeesReversedAndEmptyRanges) {
  Leaf* leaf = ALeaf();
  ExpectSeen(&leaf->payloads[3].end, leaf->begins[3], "a range is empty or reversed");
  ExpectSeen(&leaf->payloads[3].end, leaf->begins[3] - 1, "a range is empty or reversed");
}

TEST_F(VerifyTest, SeesOverlaps) {
  Leaf* leaf = ALeaf();
  ExpectSeen(&leaf->payloads[3].end, leaf->begins[4] + 1, "ranges overlap or are out of order");
  ExpectSeen(&leaf->begins[4], leaf->payloads[3].end - 1, "ranges overlap or are out of order");
}

TEST_F(VerifyTest, SeesOverlapsAcrossLeaves) {
  Leaf* leaf = ALeaf();
  const unsigned last = leaf->size() - 1;
  ExpectSeen(&leaf->payloads[last].end, leaf->next->begins[0] + 1,
             "a summary is not that of the child");
  // With the summary put right, only the overlap is left.
  Inner* parent = LowestInner();
  const uint64_t sound = leaf->payloads[last].end;
  leaf->payloads[last].end = leaf->next->begins[0] + 1;
  ExpectSeen(&parent->longest[1], leaf->Longest(), "ranges overlap or are out of order");
  leaf->payloads[last].end = sound;
}

TEST_F(VerifyTest, SeesWrongSummaries) {
  ExpectSeen(&LowestInner()->longest[1], 15, "a summary is not that of the child");
  ExpectSeen(&LowestInner()->longest[0], 17, "a summary is not that of the child");
  ExpectSeen(&Root()->longest[1], 0, "a summary is not that of the child");
  ExpectSeen(&Root()->longest[Root()->size() - 1], ~0ull, "a summary is not that of the child");
}

TEST_F(VerifyTest, SeesALongerRangeThatNoSummaryKnows) {
  Leaf* leaf = ALeaf();
  ExpectSeen(&leaf->payloads[2].end, leaf->begins[2] + 50, "a summary is not that of the child");
}

TEST_F(VerifyTest, SeesWrongKeys) {
  const char* const what = "a key is not the child's least begin";
  Inner* inner = LowestInner();
  ExpectSeen(&inner->keys[0], inner->keys[0] + 1, what);
  ExpectSeen(&inner->keys[0], inner->keys[0] - 1, what);
  ExpectSeen(&Root()->keys[0], Root()->keys[0] - 1, what);
  ExpectSeen(&Root()->keys[Root()->size() - 2], 0, what);
}

TEST_F(VerifyTest, SeesSetKeysThatAreUnused) {
  Leaf* leaf = ALeaf();
  ASSERT_LT(leaf->size(), Leaf::kCapacity);
  ExpectSeen(&leaf->begins[Leaf::kCapacity - 1], leaf->begins[0], "an unused key of a leaf is set");
  ASSERT_LT(Root()->size(), Inner::kCapacity);
  ExpectSeen(&Root()->keys[Inner::kCapacity - 2], 1, "an unused key of an inner node is set");
}

TEST_F(VerifyTest, SeesBadCounts) {
  Leaf* leaf = ALeaf();
  ExpectSeen(&leaf->count, Leaf::kMin - 1, "a leaf has too few ranges");
  ExpectSeen(&leaf->count, Leaf::kCapacity + 1, "a leaf has too many ranges");
  ExpectSeen(&leaf->count, leaf->size() - 1, "an unused key of a leaf is set");
  Inner* inner = LowestInner();
  ExpectSeen(&inner->count, Inner::kMin - 1, "an inner node has too few children");
  ExpectSeen(&inner->count, Inner::kCapacity + 1, "an inner node has too many children");
  ExpectSeen(&Root()->count, 1, "an inner node has too few children");
}

TEST_F(VerifyTest, SeesWrongLinks) {
  Leaf* leaf = ALeaf();
  ExpectSeen(&leaf->next, leaf->next->next, "a leaf links to a wrong one");
  ExpectSeen(&leaf->next, nullptr, "a leaf links to a wrong one");
  Leaf* last = leaf;
  while (last->next != nullptr) last = last->next;
  ExpectSeen(&last->next, leaf, "the last leaf has a next one");
}

TEST_F(VerifyTest, SeesBadNodePointers) {
  Inner* inner = LowestInner();
  ExpectSeen(&inner->children[1], nullptr, "a node is null or not aligned");
  ExpectSeen(&inner->children[1], static_cast<char*>(inner->children[1]) + 8,
             "a node is null or not aligned");
}

TEST_F(VerifyTest, SeesAWrongSize) {
  ExpectSeen(&Inspector::size(&tree_), kRanges + 1, "the size is not the number of ranges");
  ExpectSeen(&Inspector::size(&tree_), kRanges - 1, "the size is not the number of ranges");
}

TEST_F(VerifyTest, TellsTheNode) {
  Leaf* leaf = ALeaf();
  const uint64_t sound = leaf->payloads[3].end;
  leaf->payloads[3].end = leaf->begins[3];
  EXPECT_EQ(Verify(tree_).node, leaf);
  leaf->payloads[3].end = sound;
}

}  // namespace
}  // namespace mymalloc
