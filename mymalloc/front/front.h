// malloc and free, the short ways; everything else is behind the Slow functions (allocate.cc,
// free.cc, resize.cc).
//
//   Allocate(n)   small: class by table -> this thread's magazine -> pop -> mark live
//                 medium: the same with a bigger table; else slow
//   Free(p)       in a chunk? -> tag verifies? -> live, and this thread's heap's? -> the next tag
//                 verifies? -> mark free -> push on the magazine; else slow
//
// Cost, in instructions from the entry of the exported function through its return, as
// //tests/front:instruction_count_test measures and limits it: malloc 24, free 49.

#ifndef MYMALLOC_FRONT_FRONT_H_
#define MYMALLOC_FRONT_FRONT_H_

#include <cstddef>
#include <cstdint>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "mymalloc/base/arch.h"
#include "mymalloc/large/large.h"
#include "mymalloc/os/chunks.h"
#include "mymalloc/page/size_class.h"
#include "mymalloc/page/tag.h"
#include "mymalloc/process/thread.h"

namespace mymalloc {

// The memory of a new block, and whether it is known to be zero.
struct NewBlock {
  void* pointer;
  bool zeroed;
};

// Any size, any alignment that is a power of two. nullptr and errno = ENOMEM without memory.
NewBlock AllocateSlow(size_t n, Kind kind = Kind::kMalloc);
void* AllocateSmallSlow(size_t n, Kind kind = Kind::kMalloc);
void* AllocateAligned(size_t alignment, size_t n, Kind kind = Kind::kMalloc);
// Those that free are noexcept so that a jump leads to them also from code with exceptions: they
// can then see from where the program called (MYMALLOC_CALLER_OF).
//
// A pointer before which no tag can be read, for all that is known; null.
void FreeSlow(void* pointer, const Call& called = kFreeCall) noexcept;
// The tree decides what it is.
void FreeByTree(uintptr_t block, const Call& called);
// Gives memory back, if enough was freed to look. `own`: this thread's heap, or nullptr.
void PollIfDue(Heap* own);
// Another heap's block, or none at all: the tag can be read, but is no live tag of this heap.
void FreeNotOwn(uintptr_t block, Tag tag, const Call& called) noexcept;
// The same, for a block that was allocated with exactly this size; n <= kLargestSmall.
void FreeNotOwnOfSize(uintptr_t block, Tag tag, size_t n, const Call& called) noexcept;
// A live block of this heap, with something else behind it than the tag of one slot.
void FreeUnfenced(uintptr_t block, const Call& called) noexcept;
// A block of this heap, marked free already.
void FreeToFullMagazine(uintptr_t block) noexcept;
void* Reallocate(void* pointer, size_t n, const Call& called);
// Frees a block of which the caller knows the size, and the alignment if it asked for one (else 1).
// `exact`: the block came from one allocation of that size, not from a realloc.
void FreeKnownSlow(void* pointer, size_t n, size_t alignment, bool exact,
                   const Call& called) noexcept;
// The usable size of a live block; a report if it is none, and then 0.
size_t UsableSize(void* pointer, const Call& called);

// From where the program called the function that leads here by jumps alone.
#define MYMALLOC_CALLER_OF(called) ((called).caller != 0 ? (called).caller : MYMALLOC_CALLER())

// The thread's own magazines.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline uintptr_t Pop(Magazine& m) {
  const Busy busy;
  return m.Pop();
}
ABSL_ATTRIBUTE_ALWAYS_INLINE inline bool Push(Magazine& m, uintptr_t block) {
  const Busy busy;
  return m.Push(block);
}

// REQUIRES: n <= kLargestSmall.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void* AllocateSmall(size_t n, Kind kind = Kind::kMalloc) {
  Heap* const heap = CurrentHeap();
  const uintptr_t block = Pop(heap->SmallMagazine(n));
  if (ABSL_PREDICT_FALSE(block == 0)) return AllocateSmallSlow(n, kind);
  MarkLive(block, heap->key().live_delta);
  return reinterpret_cast<void*>(block);
}

// REQUIRES: kLargestSmall < n <= PTRDIFF_MAX.
inline NewBlock AllocateMedium(size_t n, Kind kind = Kind::kMalloc) {
  if (ABSL_PREDICT_FALSE(n > kLargestMedium)) return AllocateSlow(n, kind);
  const SizeClass c = MediumClassOf(n);
  const uintptr_t entry = Pop(CurrentHeap()->magazine(c));
  if (ABSL_PREDICT_FALSE(entry == 0)) return AllocateSlow(n, kind);
  const uintptr_t block = BlockOf(entry);
  MarkLive(block);
  return {reinterpret_cast<void*>(block), entry != block};
}

ABSL_ATTRIBUTE_ALWAYS_INLINE inline void* Allocate(size_t n, Kind kind = Kind::kMalloc) {
  if (ABSL_PREDICT_TRUE(n <= kLargestSmall)) return AllocateSmall(n, kind);
  return AllocateMedium(n, kind).pointer;
}

// A live block of this heap: its tag says so.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void FreeOwn(Heap* heap, uintptr_t block, uint64_t bits,
                                                 SizeClass c, const Call& called) {
  if (ABSL_PREDICT_FALSE(!FenceFollows(block, bits, c, heap->key()))) {
    return FreeUnfenced(block, called);
  }
  // First the tag: were this thread lost in a fork after the push, the child would find a live
  // block in a magazine.
  Tag::WriteBits(block, bits - heap->key().live_delta);
  if (ABSL_PREDICT_FALSE(!Push(heap->magazine(c), block))) FreeToFullMagazine(block);
}

ABSL_ATTRIBUTE_ALWAYS_INLINE inline void Free(void* pointer, const Call& called = kFreeCall) {
  const uintptr_t block = reinterpret_cast<uintptr_t>(pointer);
  if (ABSL_PREDICT_FALSE(!os::HasReadableTag(block))) return FreeSlow(pointer, called);
  Heap* const heap = CurrentHeap();
  const uint64_t bits = Tag::BitsOf(block);
  const uint64_t class_and_slot = heap->key().ClassAndSlot(block, bits);
  if (ABSL_PREDICT_FALSE(class_and_slot > Tag::kClassAndSlot)) {
    return FreeNotOwn(block, Tag::FromKey(bits, class_and_slot, heap->key()), called);
  }
  FreeOwn(heap, block, bits, Tag::ClassIn(class_and_slot), called);
}

// Free, for a small block that was allocated with exactly this size: the tag's class says whether
// it was.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void FreeOfSize(void* pointer, size_t n, const Call& called) {
  const uintptr_t block = reinterpret_cast<uintptr_t>(pointer);
  if (ABSL_PREDICT_FALSE(n > kLargestSmall || !os::HasReadableTag(block))) {
    return FreeKnownSlow(pointer, n, 1, /*exact=*/true, called);
  }
  Heap* const heap = CurrentHeap();
  const uint64_t bits = Tag::BitsOf(block);
  const uint64_t class_and_slot = heap->key().ClassAndSlot(block, bits);
  const SizeClass c = SmallClassOf(n);
  if (ABSL_PREDICT_FALSE(class_and_slot > Tag::kClassAndSlot ||
                         Tag::ClassIn(class_and_slot) != c)) {
    return FreeNotOwnOfSize(block, Tag::FromKey(bits, class_and_slot, heap->key()), n, called);
  }
  FreeOwn(heap, block, bits, c, called);
}

}  // namespace mymalloc

#endif  // MYMALLOC_FRONT_FRONT_H_
