// TryStab, with edits between any two of its steps. Between two checks it reads one node, which may
// then hold anything: so the tests change the tree, or overwrite all nodes, right after each check.

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "tree/interval_tree.h"

namespace mymalloc {
namespace {

struct alignas(kTreeNodeAlignment) Node {
  uint64_t words[kTreeNodeBytes / sizeof(uint64_t)];
};

// Keeps all nodes readable, hands out first what came back last, and spoils what comes back.
class NodePool {
 public:
  void* AllocateNode() {
    if (free_.empty()) {
      nodes_.push_back(std::make_unique<Node>());
      free_.push_back(nodes_.back().get());
    }
    Node* node = free_.back();
    free_.pop_back();
    return node;
  }
  void FreeNode(void* node) {
    std::memset(node, 0xA5, kTreeNodeBytes);
    free_.push_back(static_cast<Node*>(node));
  }

  std::vector<Node> Copy() const {
    std::vector<Node> copy;
    for (const auto& node : nodes_) copy.push_back(*node);
    return copy;
  }
  void Restore(const std::vector<Node>& copy) {
    for (size_t i = 0; i < copy.size(); ++i) *nodes_[i] = copy[i];
  }
  void Overwrite(const std::function<uint64_t()>& word) {
    for (const auto& node : nodes_) {
      for (uint64_t& w : node->words) w = word();
    }
  }

 private:
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Node*> free_;
};

using Tree = IntervalTree<uint64_t, NodePool>;

constexpr uint64_t kStep = 0x10000;
constexpr uint64_t kLength = 0x8000;
constexpr uint64_t kSizes[] = {0, 1, 2, 15, 16, 100, 300, 3000};
constexpr uint64_t kLargest = 3000;

struct Forest {
  explicit Forest(uint64_t n) : size(n), tree(&pool) { Fill(0); }
  ~Forest() { tree.Clear(); }

  void Fill(uint64_t offset) {
    for (uint64_t i = 1; i <= size; ++i) {
      tree.Insert({i * kStep + offset, i * kStep + offset + kLength}, i);
    }
  }

  uint64_t size;
  NodePool pool;
  Tree tree;
};

// Addresses in ranges, at their bounds, between and beyond them.
std::vector<uint64_t> Addresses(uint64_t size) {
  std::vector<uint64_t> result = {0, ~uint64_t{0}};
  for (const uint64_t i : {uint64_t{1}, size / 3, size / 2, size}) {
    for (const uint64_t offset : {uint64_t{0}, kLength / 2, kLength - 1, kLength}) {
      result.push_back(i * kStep + offset);
      result.push_back(i * kStep - 1);
    }
  }
  return result;
}

void ExpectSame(const Tree::Entry& entry, const Tree::Entry& expected) {
  EXPECT_EQ(entry.range, expected.range);
  EXPECT_EQ(entry.value, expected.value);
}

// How often the lookup asks: before each node, and before it answers.
unsigned Checks(const Tree& tree) { return tree.height() + 1; }

// Looks an address up and makes the edit right after check number `step`, counted from 1; 0: before
// the lookup begins. The lookup must fail, unless all its checks came before the edit.
void LookUpAndEdit(Forest* forest, uint64_t address, unsigned step,
                   const std::function<void()>& edit) {
  SCOPED_TRACE(testing::Message() << "address " << address << ", step " << step);
  const Tree::Entry before = forest->tree.Stab(address);
  const unsigned checks = Checks(forest->tree);
  unsigned calls = 0;
  bool edited = false;
  const auto edit_now = [&] {
    edit();
    edited = true;
  };
  if (step == 0) edit_now();
  const auto valid = [&] {
    const bool result = !edited;
    if (++calls == step) edit_now();
    return result;
  };
  Tree::Entry entry;
  const bool found = forest->tree.TryStab(address, valid, &entry);
  EXPECT_EQ(calls, step < checks ? step + 1 : checks) << "asked too rarely, or went on after a no";
  EXPECT_EQ(found, step == checks);
  if (found) ExpectSame(entry, before);
}

TEST(BesideEdits, AnswersAsStabDoesWhenNothingChanges) {
  for (const uint64_t size : kSizes) {
    Forest forest(size);
    for (const uint64_t address : Addresses(size)) {
      unsigned calls = 0;
      Tree::Entry entry{{1, 2}, 3};
      EXPECT_TRUE(forest.tree.TryStab(
          address, [&] { return ++calls != 0; }, &entry));
      ExpectSame(entry, forest.tree.Stab(address));
      EXPECT_EQ(calls, Checks(forest.tree));
    }
  }
}

// Worse than any state that an edit leaves behind: every word of every node is another.
TEST(BesideEdits, NodesMayHoldAnything) {
  std::mt19937_64 random(1);
  uint64_t ascending = 0;
  const std::function<uint64_t()> patterns[] = {
      [] { return uint64_t{0}; },
      [] { return ~uint64_t{0}; },
      [&] { return random(); },
      [&] { return random() % (kLargest * kStep); },  // like keys, out of order
      [&] { return ++ascending * 8; },                // like keys, and like pointers to nothing
  };
  for (const uint64_t size : kSizes) {
    Forest forest(size);
    const std::vector<Node> nodes = forest.pool.Copy();
    for (const uint64_t address : Addresses(size)) {
      for (const auto& pattern : patterns) {
        for (unsigned step = 0; step <= Checks(forest.tree); ++step) {
          LookUpAndEdit(&forest, address, step, [&] { forest.pool.Overwrite(pattern); });
          forest.pool.Restore(nodes);
        }
      }
    }
  }
}

// One edit, or a chain of them, that leaves a sound tree behind.
using Edit = std::function<void(Forest*, uint64_t address)>;

void EraseAt(Forest* forest, uint64_t address) {
  const Tree::Entry entry = forest->tree.Stab(address);
  if (entry) forest->tree.Erase(entry.range.begin);
}

// Fills the gaps around an address, so that its leaf splits.
void InsertAround(Forest* forest, uint64_t address) {
  const uint64_t first = address / kStep > 8 ? address / kStep - 8 : 0;
  for (uint64_t i = first; i < first + 16; ++i) {
    forest->tree.Insert({i * kStep + kLength, i * kStep + kLength + 16}, i);
  }
}

// Erases the neighbours, so that leaves merge, and the root may go.
void EraseAround(Forest* forest, uint64_t address) {
  const uint64_t own = address / kStep;
  for (uint64_t i = own > 200 ? own - 200 : 0; i < own + 200; ++i) {
    if (i != own) forest->tree.Erase(i * kStep);
  }
}

// All nodes come back and serve in another place of another tree.
void Rebuild(Forest* forest, uint64_t) {
  forest->tree.Clear();
  forest->Fill(kStep / 4);
}

void GrowByALevel(Forest* forest, uint64_t) {
  const unsigned height = forest->tree.height();
  for (uint64_t i = 2 * kLargest; forest->tree.height() == height; ++i) {
    forest->tree.Insert({i * kStep, i * kStep + 1}, i);
  }
}

void ReplaceAt(Forest* forest, uint64_t address) {
  const Tree::Entry entry = forest->tree.Stab(address);
  if (entry) forest->tree.Replace(entry.range.begin, {entry.range.begin, entry.range.end + 1}, 77);
}

TEST(BesideEdits, AnEditMakesTheLookupFail) {
  const Edit edits[] = {EraseAt,
                        InsertAround,
                        EraseAround,
                        Rebuild,
                        GrowByALevel,
                        ReplaceAt,
                        [](Forest* forest, uint64_t) { forest->tree.Clear(); }};
  for (const uint64_t size : {0u, 1u, 15u, 16u, 300u}) {
    for (const uint64_t address : Addresses(size)) {
      for (size_t which = 0; which < std::size(edits); ++which) {
        SCOPED_TRACE(testing::Message() << "edit " << which << " of a tree of " << size);
        const unsigned checks = Checks(Forest(size).tree);
        for (unsigned step = 1; step <= checks; ++step) {
          Forest forest(size);
          LookUpAndEdit(&forest, address, step, [&] { edits[which](&forest, address); });
        }
      }
    }
  }
}

}  // namespace
}  // namespace mymalloc
