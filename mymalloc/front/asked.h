// How blocks in pages were asked for, where options want to know (Policy::Notes): the note in the
// tag, and the canary behind what was asked for.

#ifndef MYMALLOC_FRONT_ASKED_H_
#define MYMALLOC_FRONT_ASKED_H_

#include <cstddef>
#include <cstdint>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "mymalloc/base/options.h"
#include "mymalloc/page/canary.h"
#include "mymalloc/page/size_class.h"
#include "mymalloc/page/tag.h"

namespace mymalloc {

// First the canary: who looks at the block meanwhile finds no note without one.
inline void WriteAsked(Tag tag, uintptr_t block, size_t usable, size_t n, Kind kind) {
  Canary(block, n, usable).Write();
  tag.WithNote({usable - n, kind}).WriteTo(block);
}

// A live block in a page, which can use so much, has now n bytes. A tag that is broken stays as it
// is, for its free to find.
inline void NoteAsked(uintptr_t block, size_t usable, size_t n, Kind kind) {
  const Tag tag = Tag::Of(block);
  if (tag.Verifies(block)) WriteAsked(tag, block, usable, n, kind);
}

// The same for a free block, which becomes live, in more instructions.
uintptr_t MarkLiveAskedSlow(uintptr_t block, size_t usable, size_t n, Kind kind);

// The same. Its note is from when it was live before. Returns the block.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline uintptr_t MarkLiveAsked(uintptr_t block, size_t usable,
                                                            size_t n, Kind kind) {
  const Tags tags(block);
  const uint64_t low = tags.LowOf(Tag::BitsOf(block)) & ~g_tag_secret.NoteField();
  const size_t slack = usable - n;
  // By a jump, so that who is in line need not save what others may change.
  if (ABSL_PREDICT_FALSE(low >= Tag::kLive || slack > Canary::kShort)) {
    return MarkLiveAskedSlow(block, usable, n, kind);
  }
  Canary::WriteShort(block, slack, usable);
  const uint64_t note = Note{slack, kind}.bits() << TagSecret::kLowBits;
  Tag::WriteBits(block, tags.BitsFor(low + Tag::kLive + note));
  return block;
}

// Whether a block of that kind, if kinds are noted, may be freed by that.
inline bool IsRightCall(const Call& called, Kind kind) {
  return kind == called.frees || !g_policy.Notes() || !g_options.check_kind;
}

}  // namespace mymalloc

#endif  // MYMALLOC_FRONT_ASKED_H_
