#include "mymalloc/heap/large.h"

#include <string.h>

#include "mymalloc/base/options.h"
#include "mymalloc/heap/page_map.h"
#include "mymalloc/heap/page_supply.h"
#include "mymalloc/os/arena.h"
#include "mymalloc/os/memory.h"

namespace mymalloc {
namespace {

// Growing by the kernel's hand takes an eighth more address space than asked (no memory), so that a
// block that grows by little steps makes few system calls.
constexpr size_t kGrowthShare = 8;
// A block that shrinks keeps its tail unless that is at least a quarter of it.
constexpr size_t kShrinkShare = 4;

void GiveBack(Interval range, bool to_supply) {
  if (to_supply) {
    g_page_supply.Free(range.begin, range.length());
  } else {
    g_large_cache.Put(range);
  }
}

uint32_t GuardBytes() { return g_options.guard_pages ? kOsPage : 0; }

// For a new block. It leaves the budget when its memory goes back.
uint32_t EnterGuardBudget() {
  return g_options.guard_pages && g_large_cache.guards().Enter() ? kOsPage : 0;
}
void LeaveGuardBudget() {
  if (g_options.guard_pages) g_large_cache.guards().Leave();
}

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

// Where the kernel has no room for more mappings all the same, a block must do without.
void RaiseGuards(const LargeBlock& large) {
  if (large.guard == 0) return;
  os::Protect(large.begin - large.guard, large.guard);
  os::Protect(large.end, large.guard);
}

void GiveBackProtected(Interval range, bool to_supply) {
  if (to_supply) {
    g_page_supply.FreeProtected(range.begin, range.length());
  } else {
    g_large_cache.Drop(range);
  }
}

// The block's mapping with its guards, which are lifted; those that cannot be are given back by
// themselves.
Interval LiftGuards(const LargeBlock& large) {
  Interval range = {large.begin, large.end};
  if (large.guard == 0) return range;
  const Interval before = {large.begin - large.guard, large.begin};
  const Interval behind = {large.end, large.end + large.guard};
  if (os::Commit(before.begin, before.length())) {
    range.begin = before.begin;
  } else {
    GiveBackProtected(before, large.from_supply);
  }
  if (os::Commit(behind.begin, behind.length())) {
    range.end = behind.end;
  } else {
    GiveBackProtected(behind, large.from_supply);
  }
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
size_t SpaceFor(size_t n, size_t alignment, uint32_t guard) {
  const size_t lead = Max(alignment, kGranule);
  if (alignment > PTRDIFF_MAX / 2 || n > PTRDIFF_MAX - lead - 4 * kOsPage) return 0;
  return RoundUp(n + lead, kOsPage) + (alignment > kOsPage ? kOsPage : 0) + 2 * size_t{guard};
}

// Makes the block known. On failure gives everything back and returns 0.
uintptr_t Publish(LargeBlock* large) {
  if (g_large_cache.Publish(large)) {
    RaiseGuards(*large);
    return large->block;
  }
  GiveBack({large->begin - large->guard, large->end + large->guard}, large->from_supply);
  g_large_cache.DeleteRecord(large);
  return 0;
}

uintptr_t AllocateIn(Interval range, size_t n, size_t alignment, uint32_t guard, bool from_supply) {
  LargeBlock* const large = g_large_cache.NewRecord();
  if (large == nullptr) {
    GiveBack(range, from_supply);
    return 0;
  }
  large->begin = range.begin;
  large->end = range.end;
  large->requested = n;
  large->guard = guard;
  large->from_supply = from_supply;
  TrimAround(large, n, Max(alignment, kGranule));
  return Publish(large);
}

// Whether freed blocks are held back with their guards, rather than cached (freed_large.h): a block
// may then be up to a quarter longer than what was asked for.
bool HoldsFreed() {
  return (g_options.guard_pages || g_options.quarantine.value != 0) && !os::g_arena.constrained();
}

// A block in a range that was held back; 0 if there is none that fits.
uintptr_t AllocateHeld(size_t bytes, size_t n) {
  const Interval held = g_large_cache.TakeHeld(bytes).held;
  if (held.empty()) return 0;
  LargeBlock* const large = g_large_cache.NewRecord();
  const uint32_t guard = GuardBytes();
  const Interval inner = {held.begin + guard, held.end - guard};
  if (large == nullptr ||
      (held.length() > FreedLarge::kMostResident && !os::Commit(inner.begin, inner.length()))) {
    if (large != nullptr) g_large_cache.DeleteRecord(large);
    g_large_cache.DropHeld(held);
    return 0;
  }
  large->begin = inner.begin;
  large->end = inner.end;
  large->block = inner.begin + kGranule;
  large->requested = n;
  large->guard = guard;
  large->from_supply = false;
  if (g_large_cache.Publish(large)) return large->block;
  g_large_cache.DeleteRecord(large);
  g_large_cache.DropHeld(held);
  return 0;
}

// What the block held is gone, if that is asked for.
void Clear(const LargeBlock& large) {
  if (!g_options.zero_on_free) return;
  uintptr_t end = large.end;
  const uintptr_t first_page = RoundUp(large.block, kOsPage);
  // Much of a long one may never have been touched: the kernel knows.
  if (large.usable() > FreedLarge::kMostResident && os::Purge(first_page, end - first_page)) {
    end = first_page;
  }
  memset(reinterpret_cast<void*>(large.block), 0, end - large.block);
}

// The block's mapping, whole, no longer to be touched. False if it cannot be held back.
bool HoldBack(LargeBlock* large) {
  const Interval whole = {large->begin - large->guard, large->end + large->guard};
  const bool quarantine = g_options.quarantine.value != 0;
  // To seal a short one would take the kernel longer than the program its use.
  const bool seal = quarantine && whole.length() > FreedLarge::kMostResident;
  if (seal) {
    if (!os::Seal(whole.begin, whole.length())) return false;
  } else {
    Clear(*large);
    if (quarantine) FreedLarge::Fill(large->block, large->usable());
  }
  g_large_cache.NoteFreed(large, whole, /*resident=*/!seal);
  return true;
}

// A block's own address must lie in its mapping.
size_t AtLeastOne(size_t n) { return Max(n, size_t{1}); }

// `take(bytes)`: where so much memory is, or 0.
template <typename Take>
uintptr_t AllocateNew(size_t n, size_t alignment, bool from_supply, Take&& take) {
  const uint32_t guard = EnterGuardBudget();
  const size_t bytes = SpaceFor(n, alignment, guard);
  const uintptr_t begin = bytes != 0 ? take(bytes) : 0;
  uintptr_t block = 0;
  if (begin != 0) block = AllocateIn({begin, begin + bytes}, n, alignment, guard, from_supply);
  if (block == 0) LeaveGuardBudget();
  return block;
}

}  // namespace

uintptr_t AllocateLarge(size_t n, size_t alignment, bool* zeroed) {
  n = AtLeastOne(n);
  if (HoldsFreed() && alignment <= kGranule) {
    *zeroed = false;
    const size_t bytes = SpaceFor(n, alignment, GuardBytes());
    if (const uintptr_t block = bytes != 0 ? AllocateHeld(bytes, n) : 0) return block;
  }
  if (LargeBlock* const kept = g_large_cache.Revive(n, alignment)) {
    *zeroed = false;
    return kept->block;
  }
  return AllocateNew(n, alignment, /*from_supply=*/false,
                     [zeroed](size_t bytes) { return g_large_cache.TakeOrMap(bytes, zeroed); });
}

uintptr_t AllocateLargeFromSupply(size_t n, size_t alignment, bool* zeroed) {
  return AllocateNew(AtLeastOne(n), alignment, /*from_supply=*/true, [zeroed](size_t bytes) {
    const PageSupply::Grant grant = g_page_supply.Allocate(bytes);
    *zeroed = grant.zeroed;
    return grant.begin;
  });
}

bool FreeLarge(LargeBlock* large, uintptr_t block) {
  LargeBlock* gone;
  if (!g_large_cache.Retire(large, block, &gone)) return false;
  if (gone != nullptr) ReleaseLarge(gone);
  return true;
}

void ReleaseLarge(LargeBlock* large) {
  g_page_map.Erase(large->begin);
  const bool from_supply = large->from_supply;
  // What is held back has guards if any has, so that whoever gets it next has them too.
  const bool holds = !from_supply && HoldsFreed() && large->guard == GuardBytes();
  if (holds && HoldBack(large)) return;
  Clear(*large);
  const Interval range = LiftGuards(*large);
  LeaveGuardBudget();
  g_large_cache.NoteFreed(large, {}, /*resident=*/false);
  GiveBack(range, from_supply);
}

namespace {

// Each returns whether the block could be changed so. `mapping`: what it has.

bool Shrink(LargeBlock* large, Interval mapping, uintptr_t new_end, size_t n) {
  const Interval tail = {new_end, mapping.end};
  if (tail.length() < mapping.length() / kShrinkShare) {
    return g_large_cache.Resize(large, mapping, mapping.end, n);
  }
  if (large->guard != 0 || !g_large_cache.Resize(large, mapping, new_end, n)) return false;
  GiveBack(tail, large->from_supply);
  return true;
}

bool GrowInPlace(LargeBlock* large, Interval mapping, uintptr_t new_end, size_t n) {
  const size_t more = new_end - mapping.end;
  // What was freed just behind is warm; otherwise the kernel may have room there.
  if (!g_large_cache.TakeAt(mapping.end, more)) {
    const size_t bytes = mapping.length();
    if (os::Remap(mapping.begin, bytes, bytes + more, /*may_move=*/false) == 0) return false;
    g_large_cache.Shed(more);
  }
  if (g_large_cache.Resize(large, mapping, new_end, n)) return true;
  g_large_cache.Put({mapping.end, new_end});
  return false;
}

bool GrowByMoving(LargeBlock* large, Interval mapping, size_t bytes, size_t n) {
  if (!g_large_cache.Move(large, mapping, bytes, n)) return false;
  g_large_cache.Shed(bytes - mapping.length());
  return true;
}

bool Resize(LargeBlock* large, uintptr_t block, size_t n) {
  Interval mapping{};
  if (!g_large_cache.Bounds(large, block, &mapping)) return false;
  const uintptr_t new_end = RoundUp(block + n, kOsPage);
  if (new_end <= mapping.end) return Shrink(large, mapping, new_end, n);
  if (large->from_supply || large->guard != 0) return false;
  const size_t bytes = new_end - mapping.begin;
  const size_t spare = os::g_arena.constrained() ? 0 : RoundUp(bytes / kGrowthShare, kOsPage);
  // In place at any rate first: what is free behind the block is warm, a new place is not.
  return GrowInPlace(large, mapping, new_end + spare, n) ||
         GrowInPlace(large, mapping, new_end, n) ||
         GrowByMoving(large, mapping, bytes + spare, n) || GrowByMoving(large, mapping, bytes, n);
}

}  // namespace

uintptr_t ResizeLarge(LargeBlock* large, uintptr_t block, size_t n) {
  if (n > PTRDIFF_MAX - 2 * kOsPage || !Resize(large, block, n)) return 0;
  return large->block;
}

}  // namespace mymalloc
