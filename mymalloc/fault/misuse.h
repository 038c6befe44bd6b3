// What a program can do wrong with the heap, and what it is told: each kind of misuse and each
// sentence stands here, and nowhere else.

#ifndef MYMALLOC_FAULT_MISUSE_H_
#define MYMALLOC_FAULT_MISUSE_H_

#include <cstdint>

#include "mymalloc/base/kind.h"

namespace mymalloc {

// The kinds, with the phrase to search for. The public header has the same (mymalloc_misuse_kind).
// clang-format off
#define MYMALLOC_MISUSES(X)              \
  X(kDoubleFree,     "double free")      \
  X(kInvalidPointer, "invalid pointer")  \
  X(kInvalidSize,    "invalid size")     \
  X(kCorruptedHeap,  "corrupted heap")   \
  X(kWriteAfterFree, "write after free") \
  X(kUseAfterFree,   "use after free")   \
  X(kOutOfBounds,    "out of bounds")    \
  X(kMismatchedFree, "mismatched free")
// clang-format on

enum class Misuse : uint8_t {
#define MYMALLOC_NAME(name, phrase) name,
  MYMALLOC_MISUSES(MYMALLOC_NAME)
#undef MYMALLOC_NAME
};

#define MYMALLOC_COUNT(name, phrase) +1  // NOLINT(bugprone-macro-parentheses)
inline constexpr int kMisuses = MYMALLOC_MISUSES(MYMALLOC_COUNT);
#undef MYMALLOC_COUNT

const char* NameOf(Misuse kind);

// What is said of one: a sentence about the address, and a line about what to do.
// clang-format off
#define MYMALLOC_FREE_ONCE "Each block must be freed once, by the pointer that malloc returned."
#define MYMALLOC_WHO_OVERRAN \
  "Look for a write past the end of the block before, or before the start of this one."
#define MYMALLOC_WHO_USES "Look for a pointer to the block that is used after its free."
#define MYMALLOC_WHICH_INDEX "Look for an index or a length that is too large or negative."
#define MYMALLOC_WHAT_FREES \
  "What malloc made is freed by free, what new made by delete, and what new[] made by delete[]."
#define MYMALLOC_MESSAGES(X) \
  X(kIsFree, kDoubleFree, "the block is free.", \
    MYMALLOC_FREE_ONCE) \
  X(kIsFreeWithItsPage, kDoubleFree, "the block is free, and its page has been given back.", \
    MYMALLOC_FREE_ONCE) \
  X(kFreedByTwoThreads, kDoubleFree, "the block was freed by two threads.", \
    MYMALLOC_FREE_ONCE) \
  X(kNeverHandedOut, kInvalidPointer, "no block was handed out there yet.", \
    MYMALLOC_FREE_ONCE) \
  X(kInsideLiveBlock, kInvalidPointer, "the pointer lies inside a block, not at its start.", \
    MYMALLOC_FREE_ONCE) \
  X(kInsideFreeBlock, kInvalidPointer, "the pointer lies inside a free block.", \
    MYMALLOC_FREE_ONCE) \
  X(kInsideFreedLarge, kInvalidPointer, "the pointer lies inside a large block that was freed before.", \
    MYMALLOC_FREE_ONCE) \
  X(kBesideBlock, kInvalidPointer, "the pointer lies beside a block, not at its start.", \
    MYMALLOC_FREE_ONCE) \
  X(kInsideOrBesideBlock, kInvalidPointer, "the pointer lies inside or beside a block, not at its start.", \
    MYMALLOC_FREE_ONCE) \
  X(kInAllocatorsMemory, kInvalidPointer, "the pointer lies in the allocator's memory, where no block is.", \
    MYMALLOC_FREE_ONCE) \
  X(kPageGone, kInvalidPointer, "no block lies there now; the page that held one may have been given back.", \
    MYMALLOC_FREE_ONCE) \
  X(kForeign, kInvalidPointer, "no allocation of this process holds this address.", \
    "It is a stack, global, code or unmapped address, or was never one.") \
  X(kInHandler, kInvalidPointer, "a signal handler interrupted the allocator; nothing can be looked up there.", \
    "malloc and free may not be called in the handler of a signal that may come then.") \
  X(kWrongSize, kInvalidSize, "the block cannot have been allocated with that.", \
    "Free a block with the size, alignment and type that it was allocated with.") \
  X(kOfMalloc, kMismatchedFree, "the block was allocated by malloc or one of its kind.", \
    MYMALLOC_WHAT_FREES) \
  X(kOfNew, kMismatchedFree, "the block was allocated by operator new.", \
    MYMALLOC_WHAT_FREES) \
  X(kOfNewArray, kMismatchedFree, "the block was allocated by operator new[].", \
    MYMALLOC_WHAT_FREES) \
  X(kOfNewAligned, kMismatchedFree, "the block was allocated by operator new with an alignment.", \
    MYMALLOC_WHAT_FREES) \
  X(kOfNewArrayAligned, kMismatchedFree, "the block was allocated by operator new[] with an alignment.", \
    MYMALLOC_WHAT_FREES) \
  X(kTagOverwritten, kCorruptedHeap, "the tag before the block was overwritten.", \
    MYMALLOC_WHO_OVERRAN) \
  X(kTagOfAnother, kCorruptedHeap, "the tag before the block is not the one that belongs there.", \
    MYMALLOC_WHO_OVERRAN) \
  X(kTagBeforeOverwritten, kCorruptedHeap, "the tag of the block before this one was overwritten.", \
    MYMALLOC_WHO_OVERRAN) \
  X(kFreeTagOverwritten, kCorruptedHeap, "the tag before a free block was overwritten.", \
    MYMALLOC_WHO_OVERRAN) \
  X(kHeaderOverwritten, kCorruptedHeap, "the header of a page was overwritten.", \
    MYMALLOC_WHO_OVERRAN) \
  X(kOverrun, kCorruptedHeap, "what lies behind the block was overwritten.", \
    "Look for a write past the end of this block.") \
  X(kUnderrun, kCorruptedHeap, "what lies before the block was overwritten.", \
    "Look for a write before the start of this block.") \
  X(kWrittenAfterFree, kWriteAfterFree, "a block was written to after it had been freed.", \
    MYMALLOC_WHO_USES) \
  X(kUsedAfterFree, kUseAfterFree, "the block is free.", \
    MYMALLOC_WHO_USES) \
  X(kAccessBefore, kOutOfBounds, "the access is before the start of the block.", \
    MYMALLOC_WHICH_INDEX) \
  X(kAccessPast, kOutOfBounds, "the access is past the end of the block.", \
    MYMALLOC_WHICH_INDEX) \
  X(kAccessPastRun, kOutOfBounds, "the access is past the end of a run of blocks.", \
    MYMALLOC_WHICH_INDEX)
// clang-format on

enum class Message : uint8_t {
#define MYMALLOC_NAME(name, kind, detail, advice) name,
  MYMALLOC_MESSAGES(MYMALLOC_NAME)
#undef MYMALLOC_NAME
};

struct MisuseText {
  Misuse kind;
  const char* detail;
  const char* advice;
};

const MisuseText& TextOf(Message message);

// What allocates blocks of that kind.
const char* NameOf(Kind kind);
// That a block was allocated so, and is freed otherwise.
Message OfKind(Kind kind);

}  // namespace mymalloc

#endif  // MYMALLOC_FAULT_MISUSE_H_
