// The detour of malloc and free: what they do beyond the short ways when an option asks for it.
//
//   Allocate   the thread's magazine, as on the short way; the block's tag gets a note, and its end a
//              canary
//   Free       of a block whose tag and place the tree has vouched for: look at the neighbours'
//              tags, mark free, into the quarantine; what leaves that is looked at for writes
//              and goes where the short way would have put it
//
// Off the detour (g_detours is false), none of this is reached.

#ifndef MYMALLOC_FRONT_DETOUR_H_
#define MYMALLOC_FRONT_DETOUR_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/options.h"
#include "mymalloc/front/asked.h"
#include "mymalloc/front/live_block.h"
#include "mymalloc/heap/heap.h"
#include "mymalloc/page/tag.h"

namespace mymalloc {

// A block from the thread's magazine is marked live, and as what it was asked for. Returns it.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline uintptr_t MarkOnDetour(uintptr_t block, SizeClass c, size_t n,
                                                           Kind kind) {
  if (ABSL_PREDICT_TRUE(g_options.check_ends)) return MarkLiveAsked(block, UsableOf(c), n, kind);
  MarkLive(block);
  return block;
}

// free on the detour, of any pointer.
void FreeDetoured(uintptr_t block, const Call& called);
// The same of a block of which the caller says how much was asked for. False, and nothing has
// happened, if not all is as it must be, or there is more to find out.
bool TryFreeDetoured(uintptr_t block, size_t n, const Call& called);

// As FindLive, of a block in a page. False if there is more to find out.
bool FindLiveDetoured(uintptr_t block, LiveBlock* result);

// A live block of any heap whose tag verified. `own`: this thread's heap; nullptr at its end.
void FreeOnDetour(Heap* own, uintptr_t block, Tag tag, const Call& called);

}  // namespace mymalloc

#endif  // MYMALLOC_FRONT_DETOUR_H_
