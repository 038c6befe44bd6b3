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
  return !large.from_supply && large.guard == 0 && !g_options.guard_pages &&
         g_options.quarantine.value == 0 && !g_options.zero_on_free;
}

}  // namespace

void LargeCache::CountLive(size_t blocks, size_t bytes) {
  g_totals.large_blocks.AddLocked(blocks);
  g_totals.large_bytes.AddLocked(bytes);
}

void LargeCache::SetLive(LargeBlock* large) {
  LargeTag(large->block).Live().WriteTo(large->block);
  large->live.store(true, std::memory_order_relaxed);
  CountLive(1, large->end - large->begin);
}

bool LargeCache::Publish(LargeBlock* large) {
  LockHolder holder(lock_);
  if (!g_page_map.Insert({large->begin, large->end}, Owner(large))) return false;
  SetLive(large);
  return true;
}

// By now the record may be of no block, or of another: another thread has freed it since.
bool LargeCache::IsOf(const LargeBlock& large, uintptr_t block) {
  return large.live.load(std::memory_order_relaxed) && large.block == block;
}

bool LargeCache::Resize(LargeBlock* large, uintptr_t block, uintptr_t new_end) {
  LockHolder holder(lock_);
  if (!IsOf(*large, block)) return false;
  g_page_map.Resize({large->begin, large->end}, new_end);
  CountLive(0, new_end - large->end);
  large->end = new_end;
  return true;
}

bool LargeCache::Move(LargeBlock* large, uintptr_t block, size_t bytes) {
  LockHolder holder(lock_);
  if (!IsOf(*large, block)) return false;
  const Interval before = {large->begin, large->end};
  const uintptr_t begin = g_page_map.Move(before, bytes);
  if (begin == 0) return false;
  CountLive(0, bytes - before.length());
  large->block = large->block - before.begin + begin;
  large->begin = begin;
  large->end = begin + bytes;
  // A tag is bound to its address.
  LargeTag(large->block).Live().WriteTo(large->block);
  return true;
}

bool LargeCache::Retire(LargeBlock* large, uintptr_t block, LargeBlock** gone) {
  bool wake = false;
  {
    LockHolder holder(lock_);
    if (!RetireLocked(large, block, gone)) return false;
    wake = CachedBytes() >= Janitor::kWakeBytes;
  }
  if (wake) g_janitor.Wake();
  return true;
}

bool LargeCache::RetireLocked(LargeBlock* large, uintptr_t block, LargeBlock** gone) {
  if (!IsOf(*large, block)) return false;
  large->live.store(false, std::memory_order_relaxed);
  LargeTag(block).WriteTo(block);
  CountLive(-size_t{1}, large->begin - large->end);
  *gone = MayBeKept(*large) ? kept_.Keep(large) : large;
  NoteCached();
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
