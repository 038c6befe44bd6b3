// What is this address? Answered without a lock, for any address, while other threads go on.
//
// Why it never faults, whatever they do:
// - The page map is searched without a lock; its nodes are never unmapped (supply/page_map.h).
// - Records of large blocks, of freed and of sampled ones, and the heaps are memory that stays. The
//   memory of these blocks is not read.
// - A page's is: the header, tags, of free blocks the first word. What keeps it from being unmapped
//   or protected meanwhile is that somebody looks (os/onlooker.h). It may become another page, a
//   block, or go back to the kernel and read as zero: so of the header a copy is taken, of which
//   nothing is believed before its keyed sum says so, and then nothing is read but within the page
//   that the map has found.
//
// Why it tells no mixture: the map counts its edits. An answer during which there was none is of
// one page or large block; else the question is asked again, and after some times an answer counts
// for which the map says the same before and after.

#ifndef MYMALLOC_ANSWER_FIND_H_
#define MYMALLOC_ANSWER_FIND_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/mymalloc.h"

namespace mymalloc {

// False if it is not to be told now.
bool FindAddress(uintptr_t address, mymalloc_info* info);

mymalloc_range CheckRange(uintptr_t begin, size_t n);

}  // namespace mymalloc

#endif  // MYMALLOC_ANSWER_FIND_H_
