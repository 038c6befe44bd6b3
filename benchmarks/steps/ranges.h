// What step 5 brings, and the later steps keep: all addresses in two interval trees. One has what
// is in use, pages and large blocks; the other what is free.

#ifndef BENCHMARKS_STEPS_RANGES_H_
#define BENCHMARKS_STEPS_RANGES_H_

#include <sys/auxv.h>

#include "benchmarks/steps/step.h"
#include "tree/interval_tree.h"

namespace steps {

using mymalloc::Interval;

// All the addresses that there are for blocks. The kernel gives them memory as they are touched.
constexpr size_t kWindow = size_t{64} << 30;
inline uintptr_t g_window = 0;
inline uint64_t g_secret = 0;  // Nobody outside knows it, and it is another in each process.

inline bool IsInWindow(uintptr_t address) { return address - g_window < kWindow; }

struct Nodes {
  void* AllocateNode() {
    if (first == nullptr) Refill();
    void** node = first;
    if (node != nullptr) first = static_cast<void**>(*node);
    return node;
  }
  void FreeNode(void* node) {
    *static_cast<void**>(node) = first;
    first = static_cast<void**>(node);
  }
  void Refill() {
    constexpr size_t kBytes = 128 * mymalloc::kTreeNodeBytes;
    const uintptr_t begin = AddressOf(Map(kBytes));
    for (size_t at = 0; begin != 0 && at < kBytes; at += mymalloc::kTreeNodeBytes) {
      FreeNode(At<void>(begin + at));
    }
  }
  void** first = nullptr;
};
inline Nodes g_nodes;

// To where the large block begins, not at the very beginning of its range; to 0 for a page.
inline mymalloc::IntervalTree<uintptr_t, Nodes> g_owned(&g_nodes);
// To how many of its bytes may be resident.
inline mymalloc::IntervalTree<size_t, Nodes> g_spare(&g_nodes);
inline size_t g_resident = 0;  // Of all that is spare.

inline void OpenWindow() {
  g_window = AddressOf(Map(kWindow));
  if (g_window != 0) g_spare.Insert(Interval::From(g_window, kWindow), 0);
  g_secret = *At<const uint64_t>(getauxval(AT_RANDOM));
}

inline void Spare(Interval range, size_t resident) {
  g_resident += resident;
  if (const auto above = g_spare.Find(range.end)) {
    range.end = above.range.end;
    resident += g_spare.Erase(above.range.begin).value;
  }
  const auto below = g_spare.Predecessor(range.begin);
  if (below && below.range.end == range.begin) {
    g_spare.Replace(below.range.begin, {below.range.begin, range.end}, below.value + resident);
  } else {
    g_spare.Insert(range, resident);
  }
}

// The first `length` bytes of the tightest spare range that the tree knows of; none if there is
// none.
inline Interval TakeSpare(size_t length) {
  const auto found = g_spare.TightestWithAtLeast(length);
  if (!found) return {};
  const size_t resident = found.value < length ? found.value : length;
  g_resident -= resident;
  const Interval rest = {found.range.begin + length, found.range.end};
  if (rest.empty()) {
    g_spare.Erase(found.range.begin);
  } else {
    g_spare.Replace(found.range.begin, rest, found.value - resident);
  }
  return Interval::From(found.range.begin, length);
}

// What is below needs g_lock.

// For a page, or, with an alignment, for a large block: where that begins. 0: there is no memory.
inline uintptr_t TakeRange(size_t length, size_t alignment = 0) {
  if (g_window == 0) OpenWindow();
  const Interval range = TakeSpare(length);
  if (range.empty()) return 0;
  const uintptr_t block = alignment == 0 ? 0 : RoundUp(range.begin + kAlignment, alignment);
  if (g_owned.Insert(range, block) != mymalloc::InsertResult::kInserted) {
    Spare(range, 0);
    return 0;
  }
  return block == 0 ? range.begin : block;
}

// Ranges that touch become one. What is more than `keep` in all, goes back to the kernel: of that
// only the addresses stay.
inline void GiveRange(uintptr_t begin, size_t keep = SIZE_MAX) {
  const Interval range = g_owned.Erase(begin).range;
  const bool is_kept = g_resident + range.length() <= keep;
  if (!is_kept) madvise(At<void>(begin), range.length(), MADV_DONTNEED);
  Spare(range, is_kept ? range.length() : 0);
}

// ---- Large blocks ----

inline void* AllocateLarge(size_t alignment, size_t size) {
  const Hold hold;
  // One more, so that a block of no bytes lies in its range, too.
  const uintptr_t block = TakeRange(RoundUp(size + alignment + 1, kKernelPage), alignment);
  if (block != 0) At<uint64_t>(block)[-1] = 0;  // Where others have a tag: there was one, perhaps.
  return At<void>(block);
}

// Of what is no block of a page, to all appearance.
inline void FreeLarge(uintptr_t block, size_t keep = SIZE_MAX) {
  const Hold hold;
  const auto owned = g_owned.Stab(block);
  if (!owned) Die("free: the pointer is into nothing of ours\n");
  if (owned.value == 0) Die("free: no block begins there, or its tag was overwritten\n");
  if (owned.value != block) Die("free: the pointer is into the middle of a large block\n");
  GiveRange(owned.range.begin, keep);
}

inline size_t SizeOfLarge(uintptr_t block) {
  const Hold hold;
  const auto owned = g_owned.Stab(block);
  if (owned.value != block) Die("no block begins there, or its tag was overwritten\n");
  return owned.range.end - block;
}

}  // namespace steps

#endif  // BENCHMARKS_STEPS_RANGES_H_
