// What a program can do wrong with the heap, and what it is told: each kind of misuse and each
// sentence stands here, and nowhere else.

#ifndef MYMALLOC_FAULT_MISUSE_H_
#define MYMALLOC_FAULT_MISUSE_H_

#include <cstdint>

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
  X(kOutOfBounds,    "out of bounds")
// clang-format on

enum class Misuse : uint8_t {
#define MYMALLOC_NAME(name, phrase) name,
  MYMALLOC_MISUSES(MYMALLOC_NAME)
#undef MYMALLOC_NAME
};

const char* NameOf(Misuse kind);

// What is said of one: a sentence about the address, and a line about what to do.
enum class Message : uint8_t {
  kIsFree,             // the block that the address begins
  kIsFreeWithItsPage,  // as its tag says, which nobody overwrote yet
  kFreedByTwoThreads,
  kNeverHandedOut,
  kInsideLiveBlock,
  kInsideFreeBlock,
  kInsideFreedLarge,
  kBesideBlock,
  kInsideOrBesideBlock,
  kInAllocatorsMemory,
  kPageGone,
  kForeign,
  kInHandler,  // that interrupted the allocator
  kWrongSize,
  kTagOverwritten,
  kTagOfAnother,
  kTagBeforeOverwritten,
  kFreeTagOverwritten,
  kHeaderOverwritten,
  kOverrun,
  kUnderrun,
  kWrittenAfterFree,
  kUsedAfterFree,
  kAccessBefore,
  kAccessPast,
  kAccessPastRun,
};

struct MisuseText {
  Misuse kind;
  const char* detail;
  const char* advice;
};

const MisuseText& TextOf(Message message);

}  // namespace mymalloc

#endif  // MYMALLOC_FAULT_MISUSE_H_
