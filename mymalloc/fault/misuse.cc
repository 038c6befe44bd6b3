#include "mymalloc/fault/misuse.h"

#include <cstddef>

namespace mymalloc {
namespace {

constexpr const char* kNames[] = {
#define MYMALLOC_NAME(name, phrase) phrase,
    MYMALLOC_MISUSES(MYMALLOC_NAME)
#undef MYMALLOC_NAME
};

constexpr char kFreeOnce[] = "Each block must be freed once, by the pointer that malloc returned.";
constexpr char kWhoOverran[] =
    "Look for a write past the end of the block before, or before the start of this one.";
constexpr char kWhoUses[] = "Look for a pointer to the block that is used after its free.";
constexpr char kWhichIndex[] = "Look for an index or a length that is too large or negative.";

// In the order of Message.
constexpr MisuseText kTexts[] = {
    {Misuse::kDoubleFree, "the block is free.", kFreeOnce},  // kIsFree
    {Misuse::kDoubleFree, "the block is free, and its page has been given back.",
     kFreeOnce},                                                              // kIsFreeWithItsPage
    {Misuse::kDoubleFree, "the block was freed by two threads.", kFreeOnce},  // kFreedByTwoThreads
    {Misuse::kInvalidPointer, "no block was handed out there yet.", kFreeOnce},  // kNeverHandedOut
    {Misuse::kInvalidPointer, "the pointer lies inside a block, not at its start.",
     kFreeOnce},  // kInsideLiveBlock
    {Misuse::kInvalidPointer, "the pointer lies inside a free block.",
     kFreeOnce},  // kInsideFreeBlock
    {Misuse::kInvalidPointer, "the pointer lies inside a large block that was freed before.",
     kFreeOnce},  // kInsideFreedLarge
    {Misuse::kInvalidPointer, "the pointer lies beside a block, not at its start.",
     kFreeOnce},  // kBesideBlock
    {Misuse::kInvalidPointer, "the pointer lies inside or beside a block, not at its start.",
     kFreeOnce},  // kInsideOrBesideBlock
    {Misuse::kInvalidPointer, "the pointer lies in the allocator's memory, where no block is.",
     kFreeOnce},  // kInAllocatorsMemory
    {Misuse::kInvalidPointer,
     "no block lies there now; the page that held one may have been given back.",
     kFreeOnce},  // kPageGone
    {Misuse::kInvalidPointer, "no allocation of this process holds this address.",
     "It is a stack, global, code or unmapped address, or was never one."},  // kForeign
    {Misuse::kInvalidPointer,
     "a signal handler interrupted the allocator; nothing can be looked up there.",
     "malloc and free may not be called in the handler of a signal that may come then."},  // kInHandler
    {Misuse::kInvalidSize, "the block cannot have been allocated with that.",
     "Free a block with the size, alignment and type that it was allocated with."},  // kWrongSize
    {Misuse::kCorruptedHeap, "the tag before the block was overwritten.",
     kWhoOverran},  // kTagOverwritten
    {Misuse::kCorruptedHeap, "the tag before the block is not the one that belongs there.",
     kWhoOverran},  // kTagOfAnother
    {Misuse::kCorruptedHeap, "the tag of the block before this one was overwritten.",
     kWhoOverran},  // kTagBeforeOverwritten
    {Misuse::kCorruptedHeap, "the tag before a free block was overwritten.",
     kWhoOverran},  // kFreeTagOverwritten
    {Misuse::kCorruptedHeap, "the header of a page was overwritten.",
     kWhoOverran},  // kHeaderOverwritten
    {Misuse::kCorruptedHeap, "what lies behind the block was overwritten.",
     "Look for a write past the end of this block."},  // kOverrun
    {Misuse::kCorruptedHeap, "what lies before the block was overwritten.",
     "Look for a write before the start of this block."},  // kUnderrun
    {Misuse::kWriteAfterFree, "a block was written to after it had been freed.",
     kWhoUses},                                               // kWrittenAfterFree
    {Misuse::kUseAfterFree, "the block is free.", kWhoUses},  // kUsedAfterFree
    {Misuse::kOutOfBounds, "the access is before the start of the block.",
     kWhichIndex},  // kAccessBefore
    {Misuse::kOutOfBounds, "the access is past the end of the block.", kWhichIndex},  // kAccessPast
    {Misuse::kOutOfBounds, "the access is past the end of a run of blocks.",
     kWhichIndex},  // kAccessPastRun
};
static_assert(sizeof(kTexts) / sizeof(kTexts[0]) ==
                  static_cast<size_t>(Message::kAccessPastRun) + 1,
              "one for each");

}  // namespace

const char* NameOf(Misuse kind) { return kNames[static_cast<size_t>(kind)]; }

const MisuseText& TextOf(Message message) { return kTexts[static_cast<size_t>(message)]; }

}  // namespace mymalloc
