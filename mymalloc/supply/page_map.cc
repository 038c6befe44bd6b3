#include "mymalloc/supply/page_map.h"

#include <linux/futex.h>
#include <time.h>

#include "absl/base/attributes.h"
#include "mymalloc/base/syscall.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/supply/totals.h"
#include "tree/verify.h"

namespace mymalloc {
namespace {

// How often a lookup tries without the lock: for about as long as an edit takes.
#if defined(MYMALLOC_SANITIZED)
// Edits are plain stores. That a lookup beside them throws away what it loaded, ThreadSanitizer
// cannot know: it would report each such load. To make all of them atomic would cost the lookup
// half as much again, as compilers do not fold atomic loads into comparisons.
constexpr int kAttempts = 0;
#else
constexpr int kAttempts = 16;
#endif

#if !defined(MYMALLOC_SANITIZED)
// Of a lookup that may not take the lock: it sleeps then, by a call that a sandbox allows, as the
// writer may have been taken off its processor.
constexpr int kNaps = 400;

void Nap() {
  static const uint32_t word = 0;
  const timespec length = {0, 50000};
  Syscall(SYS_futex, reinterpret_cast<long>(&word), FUTEX_WAIT_PRIVATE, 0,
          reinterpret_cast<long>(&length));
}
#endif

}  // namespace

ABSL_CONST_INIT PageMap g_page_map;
Editor PageMap::editor_;
Totals g_totals;

bool PageMap::Insert(Interval range, Owner owner) {
  EditHolder holder(lock_, edits_, editor_);
  return tree_.Insert(range, owner.bits()) == InsertResult::kInserted;
}

void PageMap::Erase(uintptr_t begin) {
  EditHolder holder(lock_, edits_, editor_);
  tree_.Erase(begin);
}

unsigned PageMap::InsertPages(const Interval* pages, unsigned count) {
  EditHolder holder(lock_, edits_, editor_);
  unsigned n = 0;
  while (n < count) {
    const Owner owner(HeaderOf(PageAddress(pages[n].begin)));
    if (tree_.Insert(pages[n], owner.bits()) != InsertResult::kInserted) break;
    ++n;
  }
  return n;
}

void PageMap::ErasePages(const Interval* pages, unsigned count) {
  EditHolder holder(lock_, edits_, editor_);
  for (unsigned i = 0; i < count; ++i) tree_.Erase(pages[i].begin);
}

void PageMap::Resize(Interval range, uintptr_t new_end) {
  EditHolder holder(lock_, edits_, editor_);
  const auto entry = tree_.Find(range.begin);
  tree_.Replace(range.begin, {range.begin, new_end}, entry.value);
}

uintptr_t PageMap::Move(Interval range, size_t bytes) {
  EditHolder holder(lock_, edits_, editor_);
  // So that neither insertion below can fail: a split on every level, and a new root.
  if (!nodes_.pool.Reserve(tree_.height() + 2)) return 0;
  const uint64_t owner = tree_.Erase(range.begin).value;
  const uintptr_t begin = os::Remap(range, bytes, /*may_move=*/true);
  if (begin != 0) range = {begin, begin + bytes};
  tree_.Insert(range, owner);
  return begin;
}

// Without the lock, as every free may ask; and with it, which always comes to an end, when one edit
// follows another or a writer is not running.
bool PageMap::Find(uintptr_t address, Interval* range,
                   Owner* owner) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Tree::Entry entry;
  for (int attempt = 0;; ++attempt) {
    if (attempt == kAttempts) {
      if (EditedByThisThread()) return false;
      entry = FindLocked(address);
      break;
    }
    if (tree_.TryStab(address, SequenceCounter::Snapshot(edits_), &entry)) break;
    SpinPause();
  }
  if (!entry) return false;
  *range = entry.range;
  *owner = Owner(entry.value);
  return true;
}

PageMap::Answer PageMap::FindWithoutLock(uintptr_t address, Interval* range,
                                         Owner* owner) ABSL_NO_THREAD_SAFETY_ANALYSIS {
#if defined(MYMALLOC_SANITIZED)  // see kAttempts
  return Find(address, range, owner) ? Answer::kFound : Answer::kNothing;
#else
  Tree::Entry entry;
  for (int attempt = 0; attempt < kAttempts + kNaps; ++attempt) {
    if (EditedByThisThread()) return Answer::kBusy;
    if (tree_.TryStab(address, SequenceCounter::Snapshot(edits_), &entry)) {
      if (!entry) return Answer::kNothing;
      *range = entry.range;
      *owner = Owner(entry.value);
      return Answer::kFound;
    }
    attempt < kAttempts ? SpinPause() : Nap();
  }
  return Answer::kBusy;
#endif
}

ABSL_ATTRIBUTE_NOINLINE PageMap::Tree::Entry PageMap::FindLocked(uintptr_t address) {
  LockHolder holder(lock_);
  return tree_.Stab(address);
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
