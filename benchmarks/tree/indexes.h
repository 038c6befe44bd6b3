// The interval tree and what it is compared with, under one interface.
//
//   Insert(range, value), Erase(begin), Clear()
//   Stab(address)  the value of the range there, or 0
//   FirstFit(n)    the begin of the lowest range of at least n bytes, or 0
//   BestFit(n)     the begin of a tight range of at least n bytes, or 0

#ifndef MYMALLOC_BENCHMARKS_TREE_INDEXES_H_
#define MYMALLOC_BENCHMARKS_TREE_INDEXES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <new>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "tree/interval_tree.h"

namespace mymalloc {

// Nodes from chunks that double in size, reused last in, first out: about what an allocator does
// for its own metadata. The maps have malloc.
class PoolAllocator {
 public:
  PoolAllocator() = default;
  PoolAllocator(const PoolAllocator&) = delete;
  PoolAllocator& operator=(const PoolAllocator&) = delete;
  ~PoolAllocator() {
    for (void* chunk : chunks_) free(chunk);
  }

  void* AllocateNode() {
    if (free_ != nullptr) return std::exchange(free_, free_->next);
    if (unused_ == chunk_nodes_) Grow();
    return static_cast<char*>(chunks_.back()) + unused_++ * kTreeNodeBytes;
  }

  void FreeNode(void* node) { free_ = new (node) FreeListNode{free_}; }

 private:
  static constexpr size_t kMaxChunkNodes = 256;

  struct FreeListNode {
    FreeListNode* next;
  };

  void Grow() {
    chunk_nodes_ = chunk_nodes_ == 0 ? 1 : std::min(2 * chunk_nodes_, kMaxChunkNodes);
    void* chunk = aligned_alloc(kTreeNodeAlignment, chunk_nodes_ * kTreeNodeBytes);
    if (chunk == nullptr) abort();
    chunks_.push_back(chunk);
    unused_ = 0;
  }

  std::vector<void*> chunks_;
  size_t chunk_nodes_ = 0;  // of the last chunk
  size_t unused_ = 0;       // the first node of it that was never handed out
  FreeListNode* free_ = nullptr;
};

class TreeIndex {
 public:
  TreeIndex() = default;
  TreeIndex(const TreeIndex&) = delete;
  TreeIndex& operator=(const TreeIndex&) = delete;
  ~TreeIndex() { Clear(); }

  void Insert(const Interval& range, uint64_t value) { tree_.Insert(range, value); }
  void Erase(uint64_t begin) { tree_.Erase(begin); }
  void Clear() { tree_.Clear(); }
  uint64_t Stab(uint64_t address) const { return tree_.Stab(address).value; }
  uint64_t FirstFit(uint64_t n) const { return tree_.FirstWithAtLeast(n).range.begin; }
  uint64_t BestFit(uint64_t n) const { return tree_.TightestWithAtLeast(n).range.begin; }

 private:
  PoolAllocator allocator_;
  IntervalTree<uint64_t, PoolAllocator> tree_{&allocator_};
};

struct EndAndValue {
  uint64_t end;
  uint64_t value;
};

// A map from begins. The same checks as the tree's: Insert looks at both neighbours.
template <typename Map>
class MapIndex {
 public:
  void Insert(const Interval& range, uint64_t value) {
    const auto above = map_.upper_bound(range.begin);
    if (above != map_.end() && above->first < range.end) return;
    if (above != map_.begin()) {
      auto below = above;
      if ((--below)->second.end > range.begin) return;
    }
    map_.emplace_hint(above, range.begin, EndAndValue{range.end, value});
  }

  void Erase(uint64_t begin) { map_.erase(begin); }
  void Clear() { map_.clear(); }

  uint64_t Stab(uint64_t address) const {
    auto it = map_.upper_bound(address);
    if (it == map_.begin()) return 0;
    --it;
    return address < it->second.end ? it->second.value : 0;
  }

  // A map has no other way.
  uint64_t FirstFit(uint64_t n) const {
    for (const auto& [begin, rest] : map_) {
      if (rest.end - begin >= n) return begin;
    }
    return 0;
  }

 private:
  Map map_;
};

// What the user of a map has to keep beside it for that: the ranges by length.
template <typename Set>
class LengthIndex {
 public:
  void Insert(const Interval& range, uint64_t /*value*/) {
    set_.emplace(range.length(), range.begin);
  }

  uint64_t BestFit(uint64_t n) const {
    const auto it = set_.lower_bound({n, 0});
    return it == set_.end() ? 0 : it->second;
  }

 private:
  Set set_;
};

using BtreeIndex = MapIndex<absl::btree_map<uint64_t, EndAndValue>>;
using StdIndex = MapIndex<std::map<uint64_t, EndAndValue>>;

using LengthAndBegin = std::pair<uint64_t, uint64_t>;
using BtreeLengthIndex = LengthIndex<absl::btree_set<LengthAndBegin>>;
using StdLengthIndex = LengthIndex<std::set<LengthAndBegin>>;

}  // namespace mymalloc

#endif  // MYMALLOC_BENCHMARKS_TREE_INDEXES_H_
