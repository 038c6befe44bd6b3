// The part of LargeCache that is about live blocks: they come, change, and go.

#include "mymalloc/base/options.h"
#include "mymalloc/heap/janitor.h"
#include "mymalloc/heap/large.h"
#include "mymalloc/heap/page_map.h"
#include "mymalloc/heap/totals.h"

namespace mymalloc {
namespace {

Tag LargeTag(uintptr_t block) { return Tag::Make(block, Tag::kNobody, Tag::kLargeClass, 0); }

// Where freed blocks are held back or cleared there are none to spare.
bool MayBeKept(const LargeBlock& large) {
  return !large.from_supply && !g_options.guard_pages && g_options.quarantine.value == 0 &&
         !g_options.zero_on_free;
}

// By the time that a thread has the lock, another may have freed the block: its record is then no
// live block's, or another's.
bool IsOf(const LargeBlock& large, uintptr_t block) {
  return large.IsLive() && large.block == block;
}
bool IsStill(const LargeBlock& large, Interval mapping) {
  return large.IsLive() && large.mapping() == mapping;
}

}  // namespace

void LargeCache::CountLive(size_t blocks, size_t bytes) {
  g_totals.large_blocks.AddLocked(blocks);
  g_totals.large_bytes.AddLocked(bytes);
}

void LargeCache::SetLive(LargeBlock* large) {
  LargeTag(large->block).Live().WriteTo(large->block);
  large->live.store(true, std::memory_order_relaxed);
  CountLive(1, large->mapping().length());
}

bool LargeCache::Publish(LargeBlock* large) {
  LockHolder holder(lock_);
  if (!g_page_map.Insert(large->mapping(), Owner(large))) return false;
  SetLive(large);
  return true;
}

bool LargeCache::Bounds(const LargeBlock* large, uintptr_t block, Interval* mapping) {
  LockHolder holder(lock_);
  if (!IsOf(*large, block)) return false;
  *mapping = large->mapping();
  return true;
}

bool LargeCache::Resize(LargeBlock* large, Interval mapping, uintptr_t new_end, size_t n) {
  LockHolder holder(lock_);
  if (!IsStill(*large, mapping)) return false;
  large->requested = n;
  if (new_end == mapping.end) return true;
  g_page_map.Resize(mapping, new_end);
  CountLive(0, new_end - mapping.end);
  large->end = new_end;
  return true;
}

bool LargeCache::Move(LargeBlock* large, Interval mapping, size_t bytes, size_t n) {
  LockHolder holder(lock_);
  if (!IsStill(*large, mapping)) return false;
  const uintptr_t begin = g_page_map.Move(mapping, bytes);
  if (begin == 0) return false;
  CountLive(0, bytes - mapping.length());
  large->block = large->block - mapping.begin + begin;
  large->begin = begin;
  large->end = begin + bytes;
  large->requested = n;
  // A tag is bound to its address.
  LargeTag(large->block).Live().WriteTo(large->block);
  return true;
}

bool LargeCache::Retire(LargeBlock* large, uintptr_t block, LargeBlock** gone) {
  bool wake = false;
  {
    LockHolder holder(lock_);
    if (!IsOf(*large, block)) return false;
    large->live.store(false, std::memory_order_relaxed);
    LargeTag(block).WriteTo(block);
    CountLive(-size_t{1}, -large->mapping().length());
    *gone = MayBeKept(*large) ? kept_.Keep(large) : large;
    NoteCached();
    wake = WorthGivingBack();
  }
  if (wake) g_janitor.Wake();
  return true;
}

LargeBlock* LargeCache::Revive(size_t n, size_t alignment) {
  LockHolder holder(lock_);
  LargeBlock* const large = kept_.Take(n, alignment);
  if (large == nullptr) return nullptr;
  large->requested = n;
  NoteCached();
  SetLive(large);
  return large;
}

}  // namespace mymalloc
