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

// The canary of a block, as long as its slack.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void WriteCanary(uintptr_t block, size_t slack, size_t usable) {
  if (ABSL_PREDICT_TRUE(slack <= Canary::kShort)) {
    Canary::WriteShort(block, slack, usable);
  } else {
    Canary(block, usable - slack, usable).Write();
  }
}

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

// The same for a free block, which becomes live. Its note is from when it was live before.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void MarkLiveAsked(uintptr_t block, size_t usable, size_t n,
                                                       Kind kind) {
  const Tags tags(block);
  const uint64_t notes = g_tag_secret.NoteField();
  const uint64_t low = tags.LowOf(Tag::BitsOf(block)) & ~notes;
  if (ABSL_PREDICT_FALSE(low >= Tag::kLive)) return MarkLive(block);
  const size_t slack = usable - n;
  WriteCanary(block, slack, usable);
  const uint64_t note = Note{slack, kind}.bits() << TagSecret::kLowBits;
  Tag::WriteBits(block, tags.BitsFor(low + Tag::kLive + note));
}

// Whether a block of that kind, if kinds are noted, may be freed by that.
inline bool IsRightCall(const Call& called, Kind kind) {
  return kind == called.frees || !g_policy.Notes() || !g_options.check_kind;
}

}  // namespace mymalloc

#endif  // MYMALLOC_FRONT_ASKED_H_
