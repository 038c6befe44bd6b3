// What one thing of the heap is now: for whoever tells of one address, or of all blocks.

#ifndef MYMALLOC_ANSWER_DESCRIBE_H_
#define MYMALLOC_ANSWER_DESCRIBE_H_

#include "mymalloc/large/large.h"
#include "mymalloc/mymalloc.h"
#include "mymalloc/page/page_glance.h"

namespace mymalloc {

// Of the block that has these slots. REQUIRES: a block can be there.
mymalloc_state StateOf(const PageGlance& page, SlotRun run);
// What malloc was asked for, where the block's tag has a note of that.
size_t AskedOf(const PageGlance& page, SlotRun run, mymalloc_state state);

// Each sets what is known, but for who freed it. REQUIRES: *info is zero.
void DescribeRange(mymalloc_kind kind, Interval range, mymalloc_info* info);
void DescribeSlots(const PageGlance& page, SlotRun run, mymalloc_info* info);
// Its record may change meanwhile: whoever does not hold the lock looks whether the map has.
void DescribeLarge(const LargeBlock& large, mymalloc_info* info);
void DescribeFreedLarge(const FreedLarge::Record& freed, mymalloc_info* info);
// An address in the pool of sampled blocks.
void DescribeSampled(uintptr_t address, mymalloc_info* info);

}  // namespace mymalloc

#endif  // MYMALLOC_ANSWER_DESCRIBE_H_
