// Would it help to move this block?

#ifndef MYMALLOC_ANSWER_SHOULD_MOVE_H_
#define MYMALLOC_ANSWER_SHOULD_MOVE_H_

#include <cstdint>

namespace mymalloc {

// Whether a live block lies in a page that is nearly free, and would not be filled again by the
// block's copy.
bool ShouldMove(uintptr_t block);

}  // namespace mymalloc

#endif  // MYMALLOC_ANSWER_SHOULD_MOVE_H_
