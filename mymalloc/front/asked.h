// How blocks in pages were asked for, where options want to know (Policy::Notes): the note in the
// tag, and the canary behind what was asked for.

#ifndef MYMALLOC_FRONT_ASKED_H_
#define MYMALLOC_FRONT_ASKED_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/options.h"
#include "mymalloc/page/canary.h"
#include "mymalloc/page/size_class.h"
#include "mymalloc/page/tag.h"

namespace mymalloc {

// First the canary: who looks at the block meanwhile finds no note without one.
inline void WriteAsked(Tag tag, uintptr_t block, size_t usable, size_t n, Kind kind) {
  const size_t slack = g_options.check_ends ? usable - n : 0;
  if (slack != 0) Canary(block, n, usable).Write();
  tag.WithNote({slack, kind}).WriteTo(block);
}

// A live block in a page, which can use so much, has now n bytes. A tag that is broken stays as it
// is, for its free to find.
inline void NoteAsked(uintptr_t block, size_t usable, size_t n, Kind kind) {
  const Tag tag = Tag::Of(block);
  if (tag.Verifies(block)) WriteAsked(tag, block, usable, n, kind);
}

// The same for a free block, which becomes live.
inline void MarkLiveAsked(uintptr_t block, size_t usable, size_t n, Kind kind) {
  const Tag tag = Tag::Of(block);
  if (!tag.Verifies(block) || tag.live()) return MarkLive(block);
  WriteAsked(tag.Live(), block, usable, n, kind);
}

// Whether a block of that kind, if kinds are noted, may be freed by that.
inline bool IsRightCall(const Call& called, Kind kind) {
  return !g_policy.Notes() || !g_options.check_kind || kind == called.frees;
}

}  // namespace mymalloc

#endif  // MYMALLOC_FRONT_ASKED_H_
