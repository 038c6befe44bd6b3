// What is known of a pointer that must be a live block: for those who resize it, or ask its size.

#ifndef MYMALLOC_FRONT_LIVE_BLOCK_H_
#define MYMALLOC_FRONT_LIVE_BLOCK_H_

#include <cstddef>
#include <cstdint>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "mymalloc/base/options.h"
#include "mymalloc/os/chunks.h"
#include "mymalloc/page/page.h"

namespace mymalloc {

struct LargeBlock;

// By its tag, a live block in a page.
inline bool IsPageTag(Tag tag, uintptr_t block) {
  return tag.Verifies(block) && tag.live() && tag.size_class() != Tag::kLargeClass;
}

// A live block: ours, by tag or tree, or libc's.
struct LiveBlock {
  size_t usable = 0;
  size_t slack = 0;  // of that, what was not asked for; where options want to know
  LargeBlock* large = nullptr;
  bool libcs = false;
  bool sampled = false;
  bool run = false;  // in a page of a run class

  bool InPage() const { return large == nullptr && !libcs && !sampled; }
};

// From now on a block may be another than its size calls for (FreeKnownSlow).
void NoteMemoryWasShort();

// By the tree alone. False, after a report, if the pointer is none.
bool FindLiveByTree(uintptr_t block, const Call& called, LiveBlock* result);

ABSL_ATTRIBUTE_ALWAYS_INLINE inline bool FindLive(uintptr_t block, const Call& called,
                                                  LiveBlock* result) {
  if (ABSL_PREDICT_TRUE(os::HasReadableTag(block))) {
    const Tag tag = Tag::Of(block);
    if (ABSL_PREDICT_TRUE(IsPageTag(tag, block))) {
      result->usable = SlotRun{kFirstSlot, tag.slots()}.Usable(StrideOf(tag.size_class()));
      result->run = IsRunClass(tag.size_class());
      return true;
    }
  }
  return FindLiveByTree(block, called, result);
}

}  // namespace mymalloc

#endif  // MYMALLOC_FRONT_LIVE_BLOCK_H_
