// The words of a report: what is wrong, a sentence on it, and the advice.

#ifndef MYMALLOC_TESTS_MISUSE_COMPLAINTS_H_
#define MYMALLOC_TESTS_MISUSE_COMPLAINTS_H_

namespace mymalloc::test {

struct Complaint {
  const char* what;
  const char* detail;
  const char* advice;
};

inline constexpr char kAdviseOwner[] =
    "Each block must be freed once, by the pointer that malloc returned.";
inline constexpr char kAdviseForeign[] =
    "It is a stack, global, code or unmapped address, or was never one.";
inline constexpr char kAdviseOverrun[] =
    "Look for a write past the end of the block before, or before the start of this one.";

inline constexpr Complaint kDoubleFree = {"double free", "the block is free.", kAdviseOwner};
inline constexpr Complaint kDoubleFreeOfGone = {
    "double free", "the block is free, and its page has been given back.", kAdviseOwner};
inline constexpr Complaint kGone = {
    "invalid pointer", "no block lies there now; the page that held one may have been given back.",
    kAdviseOwner};
inline constexpr Complaint kInside = {
    "invalid pointer", "the pointer lies inside a block, not at its start.", kAdviseOwner};
inline constexpr Complaint kBeside = {
    "invalid pointer", "the pointer lies beside a block, not at its start.", kAdviseOwner};
inline constexpr Complaint kInsideFree = {"invalid pointer",
                                          "the pointer lies inside a free block.", kAdviseOwner};
inline constexpr Complaint kInsideFreedLarge = {
    "invalid pointer", "the pointer lies inside a large block that was freed before.",
    kAdviseOwner};
inline constexpr Complaint kForeign = {
    "invalid pointer", "no allocation of this process holds this address.", kAdviseForeign};
inline constexpr Complaint kNeverHandedOut = {"invalid pointer",
                                              "no block was handed out there yet.", kAdviseOwner};
inline constexpr Complaint kBrokenTag = {
    "corrupted heap", "the tag before the block was overwritten.", kAdviseOverrun};
inline constexpr Complaint kBrokenFreeTag = {
    "corrupted heap", "the tag before a free block was overwritten.", kAdviseOverrun};
inline constexpr Complaint kOverrun = {"corrupted heap",
                                       "what lies behind the block was overwritten.",
                                       "Look for a write past the end of this block."};
inline constexpr Complaint kBrokenNeighbour = {
    "corrupted heap", "the tag of the block before this one was overwritten.", kAdviseOverrun};
inline constexpr Complaint kWriteAfterFree = {
    "write after free", "a block was written to after it had been freed.",
    "Look for a pointer to the block that is used after its free."};
inline constexpr char kAdviseUse[] = "Look for a pointer to the block that is used after its free.";
inline constexpr char kAdviseBounds[] =
    "Look for an index or a length that is too large or negative.";
inline constexpr Complaint kUseAfterFree = {"use after free", "the block is free.", kAdviseUse};
inline constexpr Complaint kPastEnd = {"out of bounds", "the access is past the end of the block.",
                                       kAdviseBounds};
inline constexpr Complaint kBeforeStart = {
    "out of bounds", "the access is before the start of the block.", kAdviseBounds};
inline constexpr Complaint kPastRun = {
    "out of bounds", "the access is past the end of a run of blocks.", kAdviseBounds};
inline constexpr Complaint kInsideOrBeside = {
    "invalid pointer", "the pointer lies inside or beside a block, not at its start.",
    kAdviseOwner};
inline constexpr Complaint kMarginBehind = {"corrupted heap",
                                            "what lies behind the block was overwritten.",
                                            "Look for a write past the end of this block."};
inline constexpr Complaint kMarginBefore = {"corrupted heap",
                                            "what lies before the block was overwritten.",
                                            "Look for a write before the start of this block."};
inline constexpr char kAdviseKind[] =
    "What malloc made is freed by free, what new made by delete, and what new[] made by delete[].";
inline constexpr Complaint kOfMalloc = {
    "mismatched free", "the block was allocated by malloc or one of its kind.", kAdviseKind};
inline constexpr Complaint kOfNew = {"mismatched free", "the block was allocated by operator new.",
                                     kAdviseKind};
inline constexpr Complaint kOfNewArray = {
    "mismatched free", "the block was allocated by operator new[].", kAdviseKind};
inline constexpr Complaint kOfNewAligned = {
    "mismatched free", "the block was allocated by operator new with an alignment.", kAdviseKind};
inline constexpr Complaint kOfNewArrayAligned = {
    "mismatched free", "the block was allocated by operator new[] with an alignment.", kAdviseKind};
inline constexpr Complaint kWrongSize = {
    "invalid size", "the block cannot have been allocated with that.",
    "Free a block with the size, alignment and type that it was allocated with."};

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_MISUSE_COMPLAINTS_H_
