// A magazine: one thread's stack of free blocks of one size class, in front of the bitmaps.
//
// Reuse is last in, first out, so blocks are cache-hot, and neither malloc nor free touches a page
// header as long as it serves. The owner pushes and pops without a lock and without an atomic
// read-modify-write.
//
// An idle thread's magazines would hold memory for ever, so the janitor (process/janitor.h), which
// runs on any thread, may steal from the bottom of the stack (Heap::StealMagazines):
//
//   entries  | stolen |  valid entries ...  | unused
//                     ^ stolen_end          ^ top
//
// `floor` is the owner's limit: it never pops at or below it. The janitor raises the floor to just
// below the top at one tick. At a later one, if the owner has come to no slow way since, it takes
// what lies below the floor, but for the top entry. (When everything is to be given back at once,
// it waits between the two for longer than any store needs: AwaitStores in janitor.cc.)
//
// By then each thread has seen the raised floor: a store is seen by all processors within some
// hundred nanoseconds, and whoever takes a thread off its processor makes it finish its stores. So
// the owner can at most be in the middle of one pop or push that began before the floor was raised,
// however long ago that is, and that one touches only the top entry. No barrier is needed, nor the
// system call that would make all threads pass one; and the owner pays nothing: it compares with
// `floor` where it would compare with the bottom.

#ifndef MYMALLOC_HEAP_MAGAZINE_H_
#define MYMALLOC_HEAP_MAGAZINE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "mymalloc/base/units.h"
#include "mymalloc/page/size_class.h"

namespace mymalloc {

// A free block, plus kZeroed if its memory is known to be zero: only in classes above
// kLargestSmall, where calloc has something to save.
using Entry = std::atomic<uintptr_t>;
constexpr uintptr_t kZeroed = 1;
constexpr uintptr_t BlockOf(uintptr_t entry) { return entry & ~kZeroed; }

// Under the heap's lock entries are moved as memory: what the owner does without the lock touches
// others. `to` may overlap `from` from below.
inline void MoveEntries(Entry* to, const Entry* from, size_t count) {
  __builtin_memmove(static_cast<void*>(to), static_cast<const void*>(from), count * sizeof(Entry));
}

// How many blocks a magazine may hold: 64 of a short stride, few of a long one, so that little lies
// idle in a thread's magazines.
constexpr unsigned kDeepestMagazine = 64;
constexpr size_t kMagazineBytes = 32 * kKiB;
constexpr unsigned kShallowestMagazine = 2;

constexpr unsigned DepthOf(SizeClass c) {
  return static_cast<unsigned>(Max<size_t>(
      kShallowestMagazine, Min<size_t>(kDeepestMagazine, kMagazineBytes / StrideOf(c))));
}

// How many blocks a refill takes at most: their tags are written, so their memory is touched before
// it is needed.
constexpr size_t kRefillBytes = 8 * kKiB;

constexpr unsigned RefillOf(SizeClass c) {
  return static_cast<unsigned>(
      Max<size_t>(1, Min<size_t>(kDeepestMagazine, kRefillBytes / StrideOf(c))));
}

// Zeroed memory is a magazine with neither entries nor room: every call goes to the slow way.
class alignas(64) Magazine {
 public:
  // Pops an entry, or returns 0. Owner only.
  uintptr_t Pop() {
    Entry* const top = top_.load(std::memory_order_relaxed);
    if (__builtin_expect(top <= floor_.load(std::memory_order_relaxed), 0)) return 0;
    const uintptr_t entry = top[-1].load(std::memory_order_relaxed);
    top_.store(top - 1, std::memory_order_relaxed);
    if (entry == 0) __builtin_unreachable();  // spares the caller's test on this path
    return entry;
  }

  // Pushes a block unless the magazine is full. Owner only. The janitor that sees the new top sees
  // the entry: on x86-64 the release costs nothing.
  bool Push(uintptr_t block) {
    Entry* const top = top_.load(std::memory_order_relaxed);
    if (__builtin_expect(top >= limit_, 0)) return false;
    top->store(block, std::memory_order_relaxed);
    top_.store(top + 1, std::memory_order_release);
    return true;
  }

  // Entries that are there. Exact for the owner, and for all when the owner is idle.
  unsigned Valid() const {
    return static_cast<unsigned>(top_.load(std::memory_order_relaxed) - stolen_end_);
  }
  const Entry* begin() const { return stolen_end_; }
  const Entry* end() const { return top_.load(std::memory_order_relaxed); }

  // The rest is under the heap's lock.

  // Slow start: a thread that allocates once takes one block, not 64. Returns how many fit now.
  unsigned Deepen(SizeClass c) {
    const unsigned depth = Min(Max(2 * Depth(), 1u), DepthOf(c));
    limit_ = entries_ + depth;
    return depth;
  }
  unsigned Depth() const {
    return limit_ == nullptr ? 0 : static_cast<unsigned>(limit_ - entries_);
  }

  // By the owner, compacted: brings the entries into random order.
  void Shuffle(uint64_t random);
  // By the owner: brings the valid entries down to the bottom.
  void Compact();
  // By the owner, compacted: removes the oldest entries, which the caller has taken from begin().
  void DropOldest(unsigned count);
  // By the owner: drops all entries, which the caller has taken, and starts slowly again.
  void Empty() {
    MoveDown(top_.load(std::memory_order_relaxed));
    limit_ = entries_;
  }
  // By the owner, compacted: room for `count` entries on top, for the caller to fill.
  Entry* Extend(unsigned count) {
    Entry* const top = top_.load(std::memory_order_relaxed);
    top_.store(top + count, std::memory_order_release);
    return top;
  }

  // By the owner: the next Pop finds nothing.
  void Shut() { floor_.store(top_.load(std::memory_order_relaxed), std::memory_order_relaxed); }

  // By the janitor: RaiseFloor, time for its store to be seen by all, Stealable entries from
  // begin() on, LowerFloor(how many of them were taken). RaiseFloor returns false if there is
  // nothing worth it.
  bool RaiseFloor();
  unsigned Stealable() const;
  void LowerFloor(unsigned taken);

 private:
  friend class Inspector;
  friend struct Layout;

  void MoveDown(Entry* from);

  std::atomic<Entry*> top_;
  std::atomic<Entry*> floor_;
  Entry* limit_;  // as far as the owner may push now
  Entry* stolen_end_;
  Entry entries_[kDeepestMagazine + 4];
};

// An odd number of cache lines: the tops of the magazines spread over all cache sets.
static_assert(sizeof(Magazine) == size_t{9} * 64, "no padding");

inline void Magazine::MoveDown(Entry* from) {
  const ptrdiff_t count = top_.load(std::memory_order_relaxed) - from;
  MoveEntries(entries_, from, static_cast<size_t>(count));
  top_.store(entries_ + count, std::memory_order_relaxed);
  floor_.store(entries_, std::memory_order_relaxed);
  stolen_end_ = entries_;
}

inline void Magazine::Compact() {
  if (stolen_end_ == entries_) return;
  if (stolen_end_ == nullptr) {  // not used yet
    top_.store(entries_, std::memory_order_relaxed);
    stolen_end_ = entries_;
  }
  MoveDown(stolen_end_);
}

inline void Magazine::Shuffle(uint64_t random) {
  for (unsigned i = 1; i < Valid(); ++i) {
    random = random * 6364136223846793005 + 1442695040888963407;
    const unsigned j = static_cast<unsigned>(random >> 33) % (i + 1);
    const uintptr_t entry = entries_[i].load(std::memory_order_relaxed);
    entries_[i].store(entries_[j].load(std::memory_order_relaxed), std::memory_order_relaxed);
    entries_[j].store(entry, std::memory_order_relaxed);
  }
}

inline void Magazine::DropOldest(unsigned count) { MoveDown(entries_ + count); }

inline bool Magazine::RaiseFloor() {
  Entry* const top = top_.load(std::memory_order_relaxed);
  if (top == nullptr || top - stolen_end_ <= 1) return false;
  floor_.store(top - 1, std::memory_order_relaxed);
  return true;
}

inline unsigned Magazine::Stealable() const {
  Entry* const floor = floor_.load(std::memory_order_relaxed);
  Entry* const top = top_.load(std::memory_order_acquire);
  Entry* const end = Min(floor, top == stolen_end_ ? top : top - 1);
  return end > stolen_end_ ? static_cast<unsigned>(end - stolen_end_) : 0;
}

inline void Magazine::LowerFloor(unsigned taken) {
  stolen_end_ += taken;
  floor_.store(stolen_end_, std::memory_order_relaxed);
}

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_MAGAZINE_H_
