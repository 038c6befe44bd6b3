// An independent verifier of the whole allocator: it recomputes from the slots up what that keeps
// counts, lists and bitmaps of, and asks none of its own searches.

#ifndef MYMALLOC_REPORT_VERIFY_H_
#define MYMALLOC_REPORT_VERIFY_H_

namespace mymalloc {

// nullptr, or what is wrong: trees, address ranges, page headers, bitmaps, tags, lists, magazines.
// Allocates nothing. Holds every lock, so nothing else runs but the short ways: REQUIRES that no
// other thread allocates or frees meanwhile, and that no thread was lost to fork in the middle of
// one.
const char* VerifyHeap();

}  // namespace mymalloc

#endif  // MYMALLOC_REPORT_VERIFY_H_
