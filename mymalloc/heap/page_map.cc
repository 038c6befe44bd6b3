#include "mymalloc/heap/page_map.h"

#include "mymalloc/os/memory.h"
#include "tree/verify.h"

namespace mymalloc {

PageMap g_page_map;

bool PageMap::Insert(Interval range, Owner owner) {
  LockHolder holder(lock_);
  return tree_.Insert(range, owner.bits()) == InsertResult::kInserted;
}

void PageMap::Erase(uintptr_t begin) {
  LockHolder holder(lock_);
  tree_.Erase(begin);
}

void PageMap::Resize(Interval range, uintptr_t new_end) {
  LockHolder holder(lock_);
  const auto entry = tree_.Find(range.begin);
  tree_.Replace(range.begin, {range.begin, new_end}, entry.value);
}

uintptr_t PageMap::Move(Interval range, size_t bytes) {
  LockHolder holder(lock_);
  // So that neither insertion below can fail: a split on every level, and a new root.
  if (!nodes_.pool.Reserve(tree_.height() + 2)) return 0;
  const uint64_t owner = tree_.Erase(range.begin).value;
  const uintptr_t begin = os::Remap(range.begin, range.length(), bytes, /*may_move=*/true);
  if (begin != 0) range = {begin, begin + bytes};
  tree_.Insert(range, owner);
  return begin;
}

bool PageMap::Find(uintptr_t address, Interval* range, Owner* owner) {
  LockHolder holder(lock_);
  const auto entry = tree_.Stab(address);
  if (!entry) return false;
  *range = entry.range;
  *owner = Owner(entry.value);
  return true;
}

unsigned PageMap::NextBatch(uintptr_t address, Item* items) {
  LockHolder holder(lock_);
  unsigned count = 0;
  for (auto entry = tree_.Successor(address); entry && count < kBatch;
       entry = tree_.Successor(entry.range.end)) {
    items[count++] = {entry.range, Owner(entry.value)};
  }
  return count;
}

const char* PageMap::Verify() {
  LockHolder holder(lock_);
  return mymalloc::Verify(tree_).what;
}

}  // namespace mymalloc
