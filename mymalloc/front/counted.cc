#include "mymalloc/front/counted.h"

#include "mymalloc/misuse/diagnose.h"
#include "mymalloc/misuse/sampled_blocks.h"

namespace mymalloc {
namespace {

constexpr const char* kNobody = "the count";

void CountNew(void* pointer) {
  if (pointer != nullptr) t_counts.Add(UsableSize(pointer, kNobody));
}

// What free will find to be a live block, in usable bytes; 0 for all else, of which it will say
// what it is.
size_t BytesFreed(uintptr_t block) {
  if (os::HasReadableTag(block) && IsPageTag(Tag::Of(block), block)) {
    return UsableSize(reinterpret_cast<void*>(block), kNobody);
  }
  const Finding finding = Look(block);
  SampledSlot sampled;
  if (finding.kind == Finding::kSampled && g_sampled.Peek(block, &sampled)) {
    return sampled.IsLiveBlock(block) ? sampled.size : 0;
  }
  if (!finding.StartsBlock()) return 0;
  if (finding.large != nullptr && !finding.large->IsLive()) return 0;
  const Tag tag = Tag::Of(block);
  return tag.Verifies(block) && tag.live() ? finding.usable : 0;
}

}  // namespace

NewBlock AllocateCounted(size_t n, Kind kind) {
  const Uncounted uncounted;
  const NewBlock block = n <= kLargestSmall ? NewBlock{AllocateSmall(n, kind), /*zeroed=*/false}
                                            : AllocateMedium(n, kind);
  CountNew(block.pointer);
  return block;
}

void* AllocateAlignedCounted(size_t alignment, size_t n, Kind kind) {
  const Uncounted uncounted;
  void* const pointer = AllocateAligned(alignment, n, kind);
  CountNew(pointer);
  return pointer;
}

void FreeCounted(uintptr_t block, const Call& called) {
  const Uncounted uncounted;
  t_counts.deallocated += BytesFreed(block);
  Free(reinterpret_cast<void*>(block), called);
}

void* ReallocateCounted(void* pointer, const LiveBlock& live, size_t n, const Call& called) {
  const Uncounted uncounted;
  void* const fresh = Reallocate(pointer, n, called);
  // What is libc's, and what it was, is not counted.
  if (fresh == nullptr || (live.libcs && fresh == pointer)) return fresh;
  // First what went: the block that grows is not there twice.
  if (!live.libcs) t_counts.deallocated += live.usable - live.slack;
  CountNew(fresh);
  return fresh;
}

}  // namespace mymalloc
