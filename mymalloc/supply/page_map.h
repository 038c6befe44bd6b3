// Which page or large block does an address belong to? The interval tree's answer: the authority.
//
// Every address range that holds blocks is in here, from before its first block is handed out until
// after its last one came back. Looking up reads no memory at the address in question, and takes no
// lock but where edits keep it from an answer.

#ifndef MYMALLOC_SUPPLY_PAGE_MAP_H_
#define MYMALLOC_SUPPLY_PAGE_MAP_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "mymalloc/base/lock.h"
#include "mymalloc/base/sequence_counter.h"
#include "mymalloc/os/metadata.h"
#include "mymalloc/page/page.h"
#include "tree/interval_tree.h"

namespace mymalloc {

struct LargeBlock;

// What holds an address: a page, a large block, the pool of sampled blocks, or none of them.
class Owner {
 public:
  constexpr Owner() = default;
  explicit constexpr Owner(uint64_t bits) : bits_(bits) {}
  explicit Owner(PageHeader* page) : bits_(reinterpret_cast<uintptr_t>(page)) {}
  explicit Owner(LargeBlock* large) : bits_(reinterpret_cast<uintptr_t>(large) | kLargeBit) {}

  static constexpr Owner Sampled() { return Owner(uint64_t{kSampledBit}); }

  uint64_t bits() const { return bits_; }
  bool sampled() const { return bits_ == kSampledBit; }
  PageHeader* page() const {
    constexpr uintptr_t kNoPage = kLargeBit | kSampledBit;
    return (bits_ & kNoPage) != 0 ? nullptr : reinterpret_cast<PageHeader*>(bits_);
  }
  LargeBlock* large() const {
    return (bits_ & kLargeBit) == 0 ? nullptr : reinterpret_cast<LargeBlock*>(bits_ - kLargeBit);
  }

 private:
  static constexpr uintptr_t kLargeBit = 1;
  static constexpr uintptr_t kSampledBit = 2;
  uintptr_t bits_ = 0;
};

// Node memory for the trees. Under the lock of the tree that it feeds.
struct TreeNodes {
  void* AllocateNode() { return pool.Allocate(); }
  void FreeNode(void* node) { pool.Free(node); }
  os::Pool<kTreeNodeBytes> pool;
};

// In one cache line, the only one besides nodes that a lookup reads.
class alignas(64) PageMap {
 public:
  // False when there is no memory for the tree.
  bool Insert(Interval range, Owner owner);
  void Erase(uintptr_t begin);
  // The same for some pages at once. Returns how many there was memory for.
  unsigned InsertPages(const Interval* pages, unsigned count);
  void ErasePages(const Interval* pages, unsigned count);
  // Moves the end of a range. REQUIRES: nothing else lies there.
  void Resize(Interval range, uintptr_t new_end);

  // Moves a range's mapping elsewhere and makes it `bytes` long. Returns where it is now, or 0 (and
  // nothing has happened). Nobody can map and insert anything in the old place before the map
  // knows.
  uintptr_t Move(Interval range, size_t bytes);

  // The range around an address and its owner. False when nothing of ours is there. A range that
  // comes or goes meanwhile is found or not, but never half of it. Nothing is found in a signal
  // handler that interrupted this thread's own edit: to wait for its end would be for ever.
  bool Find(uintptr_t address, Interval* range, Owner* owner);
  // The same where no lock may be waited for, in a signal handler for one. kBusy: one edit was
  // under way or followed another for some hundredths of a second, or is this thread's own.
  enum class Answer : uint8_t { kFound, kNothing, kBusy };
  Answer FindWithoutLock(uintptr_t address, Interval* range, Owner* owner);
  bool EditedByThisThread() const { return editor_.IsThisThread(); }

  // Changes with every edit; odd while one is under way. An answer that Find gave after an even
  // version was read holds as long as the version is that.
  uint64_t Version() const { return edits_.Value(); }

  // Calls visit(range, owner) for every range in address order, in batches, so that visitors may
  // take a heap's lock. Ranges that come or go meanwhile may be missed.
  template <typename Visitor>
  void ForEach(Visitor&& visit);

  // nullptr, or what is wrong with the tree.
  const char* Verify();

  Lock& lock() ABSL_LOCK_RETURNED(lock_) { return lock_; }

 private:
  friend class Inspector;
  friend struct Layout;

  // The same tree as FreeRanges', so that the library has its code once.
  using Tree = IntervalTree<uint64_t, TreeNodes>;

  struct Item {
    Interval range;
    Owner owner;
  };
  static constexpr unsigned kBatch = 64;
  // The next ranges at or after `address`.
  unsigned NextBatch(uintptr_t address, Item* items);

  Tree::Entry FindLocked(uintptr_t address);

  static Editor editor_;  // there is one map

  Lock lock_ MYMALLOC_LOCK(kPageMap);
  SequenceCounter edits_;  // of tree_
  // Only this tree's: what was ever a node of it stays mapped, and is only ever a node again, or
  // waits to be one.
  TreeNodes nodes_ ABSL_GUARDED_BY(lock_);
  Tree tree_ ABSL_GUARDED_BY(lock_){&nodes_};
};
static_assert(sizeof(PageMap) == 64, "fits into a cache line");

template <typename Visitor>
void PageMap::ForEach(Visitor&& visit) {
  Item items[kBatch];
  uintptr_t address = 0;
  while (const unsigned count = NextBatch(address, items)) {
    for (unsigned i = 0; i < count; ++i) visit(items[i].range, items[i].owner);
    address = items[count - 1].range.end;
  }
}

extern PageMap g_page_map;

}  // namespace mymalloc

#endif  // MYMALLOC_SUPPLY_PAGE_MAP_H_
