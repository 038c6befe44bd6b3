#include "tools/look/tree_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "mymalloc/report/layout.h"

namespace mymalloc::look {
namespace {

using Leaf = Layout::Leaf;
using Inner = Layout::Inner;

// The highest address of a program, and one more.
constexpr uint64_t kUserEnd = uint64_t{1} << 47;

class TreeReader {
 public:
  TreeReader(const Memory& memory, std::vector<TreeEntry>* entries)
      : memory_(memory), entries_(entries) {}

  std::string Read(uint64_t tree) {
    uint64_t root = 0;
    unsigned levels = 0;
    if (!memory_.Get(tree + Layout::kTreeRoot, &root) ||
        !memory_.Get(tree + Layout::kTreeLevels, &levels) ||
        !memory_.Get(tree + Layout::kTreeSize, &size_)) {
      return "a tree cannot be read";
    }
    if (root == 0) return size_ == 0 ? "" : "an empty tree has a size";
    if (levels > Layout::TreeInspector::kMaxInnerLevels) return "a tree has too many levels";
    nodes_ = {root};
    for (; levels > 0 && wrong_.empty(); --levels) ReadInner();
    if (wrong_.empty()) ReadLeaves();
    if (wrong_.empty()) CheckEntries();
    return wrong_;
  }

 private:
  void Fail(const char* what, uint64_t node) {
    if (wrong_.empty()) wrong_ = absl::StrCat(what, " (at 0x", absl::Hex(node), ")");
  }

  // A level's nodes all at once. No more of them than there are ranges: each leads to one at least.
  template <typename Node>
  bool ReadLevel(std::vector<Node>* level) {
    if (nodes_.size() > size_ || !AreDistinct()) {
      Fail("a tree leads to more nodes than it has", nodes_[0]);
      return false;
    }
    level->resize(nodes_.size());
    std::vector<Piece> pieces(nodes_.size());
    for (size_t i = 0; i < nodes_.size(); ++i) {
      pieces[i] = {nodes_[i], &(*level)[i], sizeof(Node), false};
    }
    memory_.ReadEach(&pieces);
    for (const Piece& piece : pieces) {
      if (!piece.read) Fail("a tree leads to memory that is not there", piece.address);
    }
    return wrong_.empty();
  }

  bool AreDistinct() const {
    std::vector<uint64_t> sorted = nodes_;
    std::sort(sorted.begin(), sorted.end());
    return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
  }

  void ReadInner() {
    std::vector<Inner> level;
    if (!ReadLevel(&level)) return;
    std::vector<uint64_t> children;
    for (size_t i = 0; i < level.size(); ++i) {
      if (level[i].count == 0 || level[i].count > Inner::kCapacity) {
        return Fail("a tree's node has a wrong count", nodes_[i]);
      }
      for (unsigned child = 0; child < level[i].size(); ++child) {
        children.push_back(reinterpret_cast<uint64_t>(level[i].children[child]));
      }
    }
    nodes_ = std::move(children);
  }

  void ReadLeaves() {
    std::vector<Leaf> leaves;
    if (!ReadLevel(&leaves)) return;
    for (size_t i = 0; i < leaves.size(); ++i) {
      if (leaves[i].count == 0 || leaves[i].count > Leaf::kCapacity) {
        return Fail("a tree's leaf has a wrong count", nodes_[i]);
      }
      for (unsigned entry = 0; entry < leaves[i].size(); ++entry) {
        entries_->push_back({leaves[i].range(entry), leaves[i].payloads[entry].value});
      }
    }
  }

  void CheckEntries() {
    uint64_t end = 0;
    for (const TreeEntry& entry : *entries_) {
      const Interval& range = entry.range;
      if (range.begin < end || range.end <= range.begin || range.end > kUserEnd) {
        entries_->clear();
        return Fail("a tree's ranges are out of order", range.begin);
      }
      end = range.end;
    }
    if (entries_->size() != size_) Fail("a tree's size is not the number of its ranges", 0);
  }

  const Memory& memory_;
  std::vector<TreeEntry>* const entries_;
  size_t size_ = 0;
  std::vector<uint64_t> nodes_;  // of the level that is to be read
  std::string wrong_;
};

}  // namespace

std::string ReadTree(const Memory& memory, uint64_t tree, std::vector<TreeEntry>* entries) {
  entries->clear();
  return TreeReader(memory, entries).Read(tree);
}

}  // namespace mymalloc::look
