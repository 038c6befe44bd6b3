// What a thread that asked for its counts (ThreadCounts) does instead: its heap pointer leads to a
// heap that owns nothing, so each call comes to a slow way, and from there to here. Here the call
// is made once more, as if nobody counted, and what it did is counted.
//
// A signal handler that interrupts such a call, or what is Busy with the thread's heap, is not
// counted.

#ifndef MYMALLOC_FRONT_COUNTED_H_
#define MYMALLOC_FRONT_COUNTED_H_

#include <cstddef>
#include <cstdint>

#include "absl/base/optimization.h"
#include "mymalloc/front/front.h"
#include "mymalloc/front/live_block.h"
#include "mymalloc/process/thread.h"

namespace mymalloc {

inline bool IsCounted() { return ABSL_PREDICT_FALSE(t_is_counted) && !Busy::Now(); }

// REQUIRES, of all: IsCounted().
NewBlock AllocateCounted(size_t n, Kind kind);
void* AllocateAlignedCounted(size_t alignment, size_t n, Kind kind);
void FreeCounted(uintptr_t block, const Call& called);
// `live`: the block, before.
void* ReallocateCounted(void* pointer, const LiveBlock& live, size_t n, const Call& called);

}  // namespace mymalloc

#endif  // MYMALLOC_FRONT_COUNTED_H_
