// A magazine: one thread's stack of free blocks of one size class, in front of the bitmaps.
//
// Reuse is last in, first out, so blocks are cache-hot, and neither malloc nor free touches a page
// header as long as it serves. The owner pushes and pops without a lock and without an atomic
// read-modify-write.
//
// An idle thread's magazines would hold memory for ever, so the janitor may steal from the bottom
// of the stack (Heap::StealMagazines):
//
//   slot[]   | stolen |  valid entries ...  | unused
//            0     stolen_                count
//
// `floor` is the owner's guard: it never pops at or below it. The janitor raises `floor`, then makes
// every thread pass a memory barrier (membarrier). After that the owner can at most be in the middle
// of one pop or push that began before, and that one touches only the top entry: so all entries
// below the floor but the top one are the janitor's to take. The owner pays nothing for this: it
// compares with `floor` where it would compare with zero.

#ifndef MYMALLOC_HEAP_MAGAZINE_H_
#define MYMALLOC_HEAP_MAGAZINE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "mymalloc/base/units.h"
#include "mymalloc/page/size_class.h"

namespace mymalloc {

struct alignas(64) Magazine {
  static constexpr unsigned kSlots = 70;

  std::atomic<uint32_t> count;
  std::atomic<uint32_t> floor;
  uint32_t limit;   // as far as the owner may push now; doubles up to DepthOf(class)
  uint32_t stolen;  // entries at the bottom that are gone; changed under the heap's lock
  std::atomic<uintptr_t> slot[kSlots];

  // An entry is a block, plus kZeroed if its memory is known to be zero: only in the magazines of
  // classes above kLargestSmall, where calloc has something to save.
  static constexpr uintptr_t kZeroed = 1;
  static uintptr_t BlockOf(uintptr_t entry) { return entry & ~kZeroed; }

  // Pops an entry, or returns 0. Owner only.
  uintptr_t Pop() {
    uint32_t n = count.load(std::memory_order_relaxed);
    if (__builtin_expect(n <= floor.load(std::memory_order_relaxed), 0)) return 0;
    --n;
    const uintptr_t entry = slot[n].load(std::memory_order_relaxed);
    count.store(n, std::memory_order_relaxed);
    if (entry == 0) __builtin_unreachable();  // spares the caller's test on this path
    return entry;
  }

  // Pushes a block unless the magazine is full. Owner only. The janitor that sees the new count
  // sees the entry: on x86-64 the release costs nothing.
  bool Push(uintptr_t block) {
    const uint32_t n = count.load(std::memory_order_relaxed);
    if (__builtin_expect(n >= limit, 0)) return false;
    slot[n].store(block, std::memory_order_relaxed);
    count.store(n + 1, std::memory_order_release);
    return true;
  }

  // Entries that are there. Exact for the owner, and for all when the owner is idle.
  uint32_t Valid() const { return count.load(std::memory_order_relaxed) - stolen; }
};

// An odd number of cache lines: the tops of the magazines spread over all cache sets.
static_assert(sizeof(Magazine) == 9 * 64, "no padding");

// How many blocks a magazine may hold: 64 small ones, few large ones, so that what lies idle in a
// thread's magazines stays small.
constexpr unsigned kDeepestMagazine = 64;
constexpr size_t kMagazineBytes = 64 * kKiB;
constexpr unsigned kShallowestMagazine = 2;

constexpr unsigned DepthOf(SizeClass c) {
  return static_cast<unsigned>(
      Max<size_t>(kShallowestMagazine, Min<size_t>(kDeepestMagazine, kMagazineBytes / StrideOf(c))));
}
static_assert(kDeepestMagazine <= Magazine::kSlots, "fits");

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_MAGAZINE_H_
