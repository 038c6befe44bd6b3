// The arena: one range of reserved address space, made usable from the bottom up.
//
// Pages come from here, so "does this pointer lie in the usable part" is one comparison, which
// proves that the 8 bytes before it can be read: the fast path of free asks nothing else before it
// looks at the tag. Where the system grants no large reservation, the arena is small and
// memory beyond it comes in chunks from anywhere: the tree finds those pages, merely slower.

#ifndef MYMALLOC_OS_ARENA_H_
#define MYMALLOC_OS_ARENA_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "mymalloc/base/units.h"

namespace mymalloc::os {

class Arena {
 public:
  // Reserves. `constrained`: the process may use little address space (ulimit -v and the like).
  // `tags_readable`: HasReadableTag may say so; else free asks the tree about every pointer.
  void Init(bool constrained, bool tags_readable);

  // Usable memory of at least `bytes`, zeroed: the next part of the reservation, or a chunk from
  // elsewhere. Sets *granted. 0 when the system has none. Not thread safe: the page supply locks.
  uintptr_t Grow(size_t bytes, size_t* granted);

  // Usable memory from the far end of the reservation, for the allocator itself, where nothing more
  // can be mapped: the program has limited its address space meanwhile. 0 when there is none. Not
  // thread safe: the metadata locks.
  uintptr_t TakeSpare(size_t bytes);
  size_t SpareTaken() const { return spare_taken_; }

  // Whether the address is in the reservation, which is never unmapped.
  bool Reserves(uintptr_t p) const { return p - reservation_ < reserved_; }
  // A chunk was unmapped.
  void NoteReleased(size_t bytes) { usable_bytes_.store(UsableBytes() - bytes); }

  // Bytes made usable so far, here and in chunks.
  size_t UsableBytes() const { return usable_bytes_.load(std::memory_order_relaxed); }
  bool constrained() const { return constrained_; }

 private:
  size_t MostHere() const;
  uintptr_t GrowHere(size_t bytes, size_t* granted);
  uintptr_t GrowElsewhere(size_t bytes, size_t* granted);

  uintptr_t reservation_ = 0;
  size_t reserved_ = 0;   // from the arena's base on
  size_t committed_ = 0;  // of it
  uintptr_t spare_ = 0;   // behind it
  uintptr_t spare_end_ = 0;
  size_t spare_taken_ = 0;
  bool tags_readable_ = false;
  std::atomic<size_t> usable_bytes_{0};
  bool constrained_ = false;
};

extern Arena g_arena;

// Where the usable part begins and how long it is in units of 16 bytes: plain variables, which the
// fast path of free reads with one instruction each (hidden: not through the global offset table).
// The base is one OS page above the start of the reservation, so that base - 8 can be read.
extern uintptr_t g_arena_base __attribute__((visibility("hidden")));
extern std::atomic<uint64_t> g_arena_granules __attribute__((visibility("hidden")));

// Whether `p` is a multiple of 16 inside the usable part, and p - 8 can be read. The rotation makes
// a misaligned pointer a huge offset.
inline bool HasReadableTag(uintptr_t p) {
  const uint64_t offset = p - g_arena_base;
  return ((offset >> 4) | (offset << 60)) < g_arena_granules.load(std::memory_order_relaxed);
}

// Whether the program, or who started it, has limited its address space.
bool AddressSpaceIsLimited();
// Whether limits on the process or strict overcommit make address space scarce.
bool AddressSpaceIsScarce();

}  // namespace mymalloc::os

#endif  // MYMALLOC_OS_ARENA_H_
