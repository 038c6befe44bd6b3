#include "mymalloc/heap/large.h"

#include "mymalloc/base/options.h"
#include "mymalloc/heap/janitor.h"
#include "mymalloc/heap/page_map.h"
#include "mymalloc/heap/page_supply.h"
#include "mymalloc/os/arena.h"
#include "mymalloc/os/memory.h"
#include "tree/verify.h"

namespace mymalloc {
namespace {

// Growing by the kernel's hand takes an eighth more address space than asked (no memory), so that a
// block that grows by little steps makes few system calls.
constexpr size_t kGrowthShare = 8;
// A block that shrinks keeps its tail unless that is at least a quarter of it.
constexpr size_t kShrinkShare = 4;
// What the cache may hold. Where address space is scarce it is not to be hoarded.
constexpr size_t kMostCached = 256 * kMiB;
constexpr size_t kMostCachedConstrained = 16 * kMiB;

size_t MostCachedBytes() {
  return os::g_arena.constrained() ? kMostCachedConstrained : kMostCached;
}

// The heap that the tags of large blocks name: none.
constexpr HeapId kNobody = 0;

void GiveBack(Interval range, bool to_supply) {
  if (to_supply) {
    g_page_supply.Free(range.begin, range.length());
  } else {
    g_large_cache.Put(range);
  }
}

void WriteTag(const LargeBlock& large) {
  Tag::Make(large.block, kNobody, Tag::kLargeClass, 0).Live().WriteTo(large.block);
}

uint32_t GuardBytes() { return g_options.guard_pages ? kOsPage : 0; }

// Trims [begin, end) to what the aligned block and its guards need and gives the rest to the cache.
void TrimAround(LargeBlock* large, size_t n, size_t alignment) {
  const size_t guard = large->guard;
  large->block = RoundUp(large->begin + guard + kGranule, alignment);
  const uintptr_t begin = RoundDown(large->block - kTagBytes, kOsPage);
  const uintptr_t end = RoundUp(large->block + n, kOsPage);
  if (begin - guard > large->begin) {
    GiveBack({large->begin, begin - guard}, large->from_supply);
  }
  if (end + guard < large->end) GiveBack({end + guard, large->end}, large->from_supply);
  large->begin = begin;
  large->end = end;
}

// Where the kernel has no room for more mappings a block must do without.
void RaiseGuards(const LargeBlock& large) {
  if (large.guard == 0) return;
  os::Protect(large.begin - large.guard, large.guard);
  os::Protect(large.end, large.guard);
}

// The block's mapping with its guards, which are lifted. One that cannot be lifted is left behind.
Interval LiftGuards(const LargeBlock& large) {
  Interval range = {large.begin, large.end};
  if (large.guard == 0) return range;
  if (os::Commit(large.begin - large.guard, large.guard)) range.begin -= large.guard;
  if (os::Commit(large.end, large.guard)) range.end += large.guard;
  return range;
}

}  // namespace

size_t g_largest_slot_request = kLargestMedium;

void InitLarge(bool constrained) {
  constexpr size_t kConstrained = 4104;
  static_assert(UsableOf(ClassOf(kConstrained)) == kConstrained, "a class's last size");
  if (constrained) g_largest_slot_request = kConstrained;
}

namespace {

// The space in which an aligned block of n bytes fits wherever that space begins; 0 if there is
// none. An alignment may need a shift of up to itself, which TrimAround takes off again.
size_t SpaceFor(size_t n, size_t alignment) {
  const size_t lead = Max(alignment, kGranule);
  if (alignment > PTRDIFF_MAX / 2 || n > PTRDIFF_MAX - lead - 4 * kOsPage) return 0;
  return RoundUp(n + lead, kOsPage) + (alignment > kOsPage ? kOsPage : 0) +
         2 * size_t{GuardBytes()};
}

// Makes the block known. On failure gives everything back and returns 0.
uintptr_t Publish(LargeBlock* large) {
  if (g_page_map.Insert({large->begin, large->end}, Owner(large))) {
    WriteTag(*large);
    RaiseGuards(*large);
    return large->block;
  }
  GiveBack({large->begin - large->guard, large->end + large->guard}, large->from_supply);
  g_large_cache.DeleteRecord(large);
  return 0;
}

uintptr_t AllocateIn(uintptr_t begin, size_t bytes, size_t n, size_t alignment, bool from_supply) {
  LargeBlock* const large = begin != 0 ? g_large_cache.NewRecord() : nullptr;
  if (large == nullptr) {
    if (begin != 0) GiveBack({begin, begin + bytes}, from_supply);
    return 0;
  }
  large->begin = begin;
  large->end = begin + bytes;
  large->guard = GuardBytes();
  large->from_supply = from_supply;
  TrimAround(large, n, Max(alignment, kGranule));
  return Publish(large);
}

}  // namespace

uintptr_t AllocateLarge(size_t n, size_t alignment, bool* zeroed) {
  n = Max(n, size_t{1});  // the block's own address must lie in its mapping
  const size_t bytes = SpaceFor(n, alignment);
  if (bytes == 0) return 0;
  return AllocateIn(g_large_cache.TakeOrMap(bytes, zeroed), bytes, n, alignment,
                    /*from_supply=*/false);
}

uintptr_t AllocateLargeFromSupply(size_t n, size_t alignment) {
  n = Max(n, size_t{1});
  const size_t bytes = SpaceFor(n, alignment);
  if (bytes == 0) return 0;
  return AllocateIn(g_page_supply.Allocate(bytes).begin, bytes, n, alignment,
                    /*from_supply=*/true);
}

void FreeLarge(LargeBlock* large) {
  const bool from_supply = large->from_supply;
  const bool hold = g_options.quarantine.value != 0 && !from_supply && !os::g_arena.constrained();
  Tag::Make(large->block, kNobody, Tag::kLargeClass, 0).WriteTo(large->block);
  g_page_map.Erase(large->begin);
  const Interval whole = {large->begin - large->guard, large->end + large->guard};
  if (hold && os::Seal(whole.begin, whole.length())) return g_large_cache.NoteFreed(large, whole);
  const Interval range = LiftGuards(*large);
  g_large_cache.NoteFreed(large, {});
  GiveBack(range, from_supply);
}

namespace {

uintptr_t Shrink(LargeBlock* large, uintptr_t new_end) {
  const uintptr_t old_end = large->end;
  if (old_end - new_end < (old_end - large->begin) / kShrinkShare) return large->block;
  if (large->guard != 0) return 0;
  g_page_map.Resize({large->begin, old_end}, new_end);
  large->end = new_end;
  GiveBack({new_end, old_end}, large->from_supply);
  return large->block;
}

uintptr_t GrowInPlace(LargeBlock* large, uintptr_t new_end) {
  const size_t bytes = large->end - large->begin;
  const size_t more = new_end - large->end;
  // What was freed just behind is warm; otherwise the kernel may have room there.
  if (!g_large_cache.TakeAt(large->end, more)) {
    if (os::Remap(large->begin, bytes, bytes + more, /*may_move=*/false) == 0) return 0;
    g_large_cache.Shed(more);
  }
  g_page_map.Resize({large->begin, large->end}, new_end);
  large->end = new_end;
  return large->block;
}

// The tag is bound to its address: it is written anew after a move.
uintptr_t GrowByMoving(LargeBlock* large, size_t bytes) {
  const Interval before = {large->begin, large->end};
  const uintptr_t begin = g_page_map.Move(before, bytes);
  if (begin == 0) return 0;
  g_large_cache.Shed(bytes - before.length());
  large->block = large->block - before.begin + begin;
  large->begin = begin;
  large->end = begin + bytes;
  WriteTag(*large);
  return large->block;
}

}  // namespace

uintptr_t ResizeLarge(LargeBlock* large, size_t n) {
  if (n > PTRDIFF_MAX - 2 * kOsPage) return 0;
  const uintptr_t new_end = RoundUp(large->block + n, kOsPage);
  if (new_end <= large->end) return Shrink(large, new_end);
  if (large->from_supply || large->guard != 0) return 0;
  const size_t spare =
      os::g_arena.constrained() ? 0 : RoundUp((new_end - large->begin) / kGrowthShare, kOsPage);
  // In place at any rate first: what is free behind the block is warm, a new place is not.
  if (const uintptr_t block = GrowInPlace(large, new_end + spare)) return block;
  if (const uintptr_t block = GrowInPlace(large, new_end)) return block;
  if (const uintptr_t block = GrowByMoving(large, new_end + spare - large->begin)) return block;
  return GrowByMoving(large, new_end - large->begin);
}

LargeCache g_large_cache;

uintptr_t LargeCache::TakeOrMap(size_t bytes, bool* zeroed) {
  *zeroed = false;
  Interval nearest{};
  {
    LockHolder holder(lock_);
    const uintptr_t begin = ranges_.Take(bytes);
    if (begin == 0) ranges_.TakeLongest(~size_t{0}, &nearest);
    NoteCached();
    if (begin != 0) return begin;
  }
  // Too small, but warm: the kernel makes it longer.
  if (!nearest.empty()) {
    const uintptr_t begin = os::Remap(nearest.begin, nearest.length(), bytes, /*may_move=*/true);
    if (begin != 0) return begin;
    Put(nearest);
  }
  *zeroed = true;
  return os::Map(bytes);
}

bool LargeCache::TakeAt(uintptr_t begin, size_t bytes) {
  LockHolder holder(lock_);
  const bool taken = ranges_.TakeAt(begin, bytes);
  NoteCached();
  return taken;
}

void LargeCache::Put(Interval range) {
  bool wake = false;
  {
    LockHolder holder(lock_);
    const bool keep = ranges_.bytes() + range.length() <= MostCachedBytes();
    if (keep && ranges_.Add(range)) range = {};
    wake = ranges_.bytes() >= Janitor::kWakeBytes;
  }
  if (!range.empty() && !os::Unmap(range.begin, range.length())) KeepUnmappable(range);
  if (wake) g_janitor.Wake();
}

// The kernel has no room for one more mapping, and unmapping would split one. The memory goes back,
// and the range stays in the cache until it can be used or unmapped.
void LargeCache::KeepUnmappable(Interval range) {
  os::Purge(range.begin, range.length());
  LockHolder holder(lock_);
  ranges_.AddSurely(range);
}

bool LargeCache::Decay() {
  size_t unneeded;
  {
    LockHolder holder(lock_);
    unneeded = least_;
  }
  Purge(unneeded);
  LockHolder holder(lock_);
  least_ = ranges_.bytes();
  return least_ != 0;
}

bool LargeCache::PurgeAll() { return Purge(~size_t{0}); }

bool LargeCache::Purge(size_t bytes) {
  bool purged_any = false;
  while (bytes >= kOsPage) {
    Interval range;
    {
      LockHolder holder(lock_);
      if (!ranges_.TakeLongest(bytes, &range)) break;
      NoteCached();
    }
    bytes -= range.length();
    if (!os::Unmap(range.begin, range.length())) {
      KeepUnmappable(range);
      break;
    }
    purged_any = true;
  }
  return purged_any;
}

size_t LargeCache::Bytes() {
  LockHolder holder(lock_);
  return ranges_.bytes();
}

const char* LargeCache::Verify() {
  LockHolder holder(lock_);
  return mymalloc::Verify(ranges_.tree()).what;
}

LargeBlock* LargeCache::NewRecord() {
  LockHolder holder(lock_);
  return static_cast<LargeBlock*>(records_.Allocate());
}

void LargeCache::DeleteRecord(LargeBlock* large) {
  LockHolder holder(lock_);
  records_.Free(large);
}

void LargeCache::NoteFreed(LargeBlock* large, Interval held) {
  for (;;) {
    Interval oldest{};
    {
      LockHolder holder(lock_);
      oldest = freed_.MakeRoom(held.length());
      if (oldest.empty()) {
        freed_.Note({large->block, large->usable(), held});
        records_.Free(large);
        return;
      }
    }
    if (os::Unmap(oldest.begin, oldest.length())) continue;
    if (os::Commit(oldest.begin, oldest.length())) KeepUnmappable(oldest);
  }
}

bool LargeCache::FindFreed(uintptr_t address, FreedLarge::Record* record) {
  LockHolder holder(lock_);
  return freed_.Find(address, record);
}

}  // namespace mymalloc
