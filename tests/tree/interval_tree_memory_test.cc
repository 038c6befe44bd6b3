// Out of memory at each allocation there is: the insertion that meets it must change nothing, and
// no node may be lost.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "tests/tree/counting_allocator.h"
#include "tree/interval_tree.h"
#include "tree/verify.h"

namespace mymalloc {
namespace {

using Tree = IntervalTree<uint64_t, CountingAllocator>;
using Inspector = IntervalTreeInspector<uint64_t, CountingAllocator>;

// All of the tree's bytes, root first.
using Image = std::vector<unsigned char>;

void AddBytes(const void* from, size_t n, Image* image) {
  const auto* bytes = static_cast<const unsigned char*>(from);
  image->insert(image->end(), bytes, bytes + n);
}

void AddNode(const void* node, unsigned level, Image* image) {
  AddBytes(&node, sizeof(node), image);
  AddBytes(node, kTreeNodeBytes, image);
  if (level == 0) return;
  const auto* inner = static_cast<const Inspector::Inner*>(node);
  for (unsigned i = 0; i < inner->size(); ++i) AddNode(inner->children[i], level - 1, image);
}

Image ImageOf(const Tree& tree) {
  Image image;
  const size_t size = tree.size();
  AddBytes(&size, sizeof(size), &image);
  if (!tree.empty()) AddNode(Inspector::root(tree), Inspector::inner_levels(tree), &image);
  return image;
}

// Inserts; each time that this takes k nodes, first tries with 0 ... k - 1 nodes available.
class StingyFill {
 public:
  StingyFill(Tree* tree, CountingAllocator* allocator) : tree_(*tree), allocator_(*allocator) {}

  void Insert(const Interval& range) {
    allocator_.FailAfter(0);
    InsertResult result = tree_.Insert(range, 1);
    if (result == InsertResult::kNoMemory) result = InsertWithAFewNodes(range);
    ASSERT_EQ(result, InsertResult::kInserted);
    allocator_.FailAfter(CountingAllocator::kNever);
  }

  size_t most_nodes() const { return most_nodes_; }

 private:
  InsertResult InsertWithAFewNodes(const Interval& range) {
    const Image before = ImageOf(tree_);
    const size_t live_before = allocator_.live();
    for (size_t nodes = 0;; ++nodes) {
      allocator_.FailAfter(nodes);
      const InsertResult result = tree_.Insert(range, 1);
      if (result != InsertResult::kNoMemory) {
        EXPECT_EQ(allocator_.live(), live_before + nodes) << "took more than it needed";
        most_nodes_ = std::max(most_nodes_, nodes);
        return result;
      }
      EXPECT_EQ(allocator_.live(), live_before) << "lost a node";
      EXPECT_EQ(ImageOf(tree_), before) << "changed by a failed insertion";
      if (::testing::Test::HasFailure()) return result;
    }
  }

  Tree& tree_;
  CountingAllocator& allocator_;
  size_t most_nodes_ = 0;
};

void FillAndCheck(uint64_t (*begin_of)(uint64_t i), uint64_t n) {
  CountingAllocator allocator;
  Tree tree(&allocator);
  StingyFill fill(&tree, &allocator);
  for (uint64_t i = 0; i < n && !::testing::Test::HasFailure(); ++i) {
    fill.Insert({begin_of(i), begin_of(i) + 1});
  }
  EXPECT_GE(fill.most_nodes(), 3u) << "no case of a split on two levels below a new root";
  EXPECT_GT(allocator.failures(), n / tree_internal::Leaf<uint64_t>::kCapacity);
  const TreeViolation violation = Verify(tree);
  EXPECT_FALSE(violation) << violation.what;
  EXPECT_EQ(tree.size(), n);
  tree.Clear();
}

TEST(IntervalTreeMemoryTest, Ascending) {
  FillAndCheck([](uint64_t i) { return i; }, 6000);
}

TEST(IntervalTreeMemoryTest, Descending) {
  FillAndCheck([](uint64_t i) { return 10000 - i; }, 6000);
}

TEST(IntervalTreeMemoryTest, Scattered) {
  // Distinct, as the factor is odd.
  FillAndCheck([](uint64_t i) { return (i * 40503) % 65536; }, 6000);
}

TEST(IntervalTreeMemoryTest, ErasingAndReplacingNeverAllocate) {
  CountingAllocator allocator;
  Tree tree(&allocator);
  for (uint64_t i = 0; i < 6000; ++i)
    ASSERT_EQ(tree.Insert({4 * i, 4 * i + 2}, i), InsertResult::kInserted);
  allocator.FailAfter(0);
  std::mt19937_64 random(3);
  while (!tree.empty()) {
    const Tree::Entry entry = tree.Successor(random() % tree.Predecessor(~uint64_t{0}).range.end);
    ASSERT_TRUE(tree.Replace(entry.range.begin, {entry.range.begin + 1, entry.range.end}, 0));
    ASSERT_TRUE(tree.Erase(entry.range.begin + 1));
  }
  EXPECT_EQ(allocator.failures(), 0u);
  EXPECT_EQ(allocator.live(), 0u);
}

// However a tree was thinned out, its nodes are filled well enough.
TEST(IntervalTreeMemoryTest, NodesAreGivenBackAsRangesGo) {
  constexpr uint64_t kRanges = 100000;
  CountingAllocator allocator;
  Tree tree(&allocator);
  std::vector<uint64_t> begins;
  for (uint64_t i = 0; i < kRanges; ++i) begins.push_back(2 * i);
  std::shuffle(begins.begin(), begins.end(), std::mt19937_64(5));
  for (const uint64_t begin : begins) tree.Insert({begin, begin + 1}, 0);
  while (tree.size() > 100) {
    tree.Erase(begins[tree.size() - 1]);
    const size_t leaves_at_most = tree.size() / tree_internal::Leaf<uint64_t>::kMin + 1;
    ASSERT_LE(allocator.live(), leaves_at_most * 3 / 2 + 1);
  }
  tree.Clear();
}

}  // namespace
}  // namespace mymalloc
