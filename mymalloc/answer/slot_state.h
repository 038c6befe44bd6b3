// What a slot of a page is now: for whoever tells of one block, or of all.

#ifndef MYMALLOC_ANSWER_SLOT_STATE_H_
#define MYMALLOC_ANSWER_SLOT_STATE_H_

#include "mymalloc/mymalloc.h"
#include "mymalloc/page/page_glance.h"

namespace mymalloc {

// Of the block that has these slots. REQUIRES: a block can be there.
mymalloc_state StateOf(const PageGlance& page, SlotRun run);

// What is known of a block in a page, but for who freed it.
void DescribeSlots(const PageGlance& page, SlotRun run, mymalloc_info* info);

}  // namespace mymalloc

#endif  // MYMALLOC_ANSWER_SLOT_STATE_H_
