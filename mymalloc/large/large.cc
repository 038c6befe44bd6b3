#include "mymalloc/large/large.h"

#include <string.h>

#include "mymalloc/base/options.h"
#include "mymalloc/os/chunks.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/supply/budget.h"
#include "mymalloc/supply/page_map.h"
#include "mymalloc/supply/page_supply.h"

namespace mymalloc {
namespace {

// A block that must be made longer takes an eighth more than asked for, which costs no memory, so
// that one that grows by little steps makes few system calls.
constexpr size_t kGrowthShare = 8;
// A block that shrinks keeps its tail unless that is at least a quarter of it.
constexpr size_t kShrinkShare = 4;

uint32_t GuardBytes() { return g_options.guard_pages ? static_cast<uint32_t>(KernelPage()) : 0; }

// For a new block. It leaves the budget when its memory goes back.
uint32_t EnterGuardBudget() {
  return g_options.guard_pages && g_large_blocks.guards().Enter() ? GuardBytes() : 0;
}
void LeaveGuardBudget() {
  if (g_options.guard_pages) g_large_blocks.guards().Leave();
}

// Trims [begin, end) to what the aligned block and its guards need and gives the rest back.
// `zeroed`: nothing of it was touched.
void TrimAround(LargeBlock* large, size_t n, size_t alignment, bool zeroed) {
  const size_t guard = large->guard;
  const auto give_back = [&](uintptr_t begin, uintptr_t end) {
    if (begin < end) FreeLargeRange({begin, end}, large->mapped, zeroed ? 0 : end - begin);
  };
  large->block = RoundUp(large->begin + guard + kBlockAlignment, alignment);
  const uintptr_t begin = RoundDown(large->block - kTagBytes, KernelPage());
  const uintptr_t end = RoundUp(large->block + n + LargeBlock::kFenceBytes, KernelPage());
  give_back(large->begin, begin - guard);
  give_back(end + guard, large->end);
  large->begin = begin;
  large->end = end;
}

// Where the kernel has no room for more mappings all the same, a block must do without.
void RaiseGuards(const LargeBlock& large) {
  if (large.guard == 0) return;
  os::Protect(large.guard_before());
  os::Protect(large.guard_behind());
}

// The block's range with its guards, which are lifted; those that cannot be are given back by
// themselves.
Interval LiftGuards(const LargeBlock& large) {
  Interval range = large.range();
  if (large.guard == 0) return range;
  const Interval before = large.guard_before();
  const Interval behind = large.guard_behind();
  if (os::Commit(before)) {
    range.begin = before.begin;
  } else {
    FreeProtectedRange(before, large.mapped);
  }
  if (os::Commit(behind)) {
    range.end = behind.end;
  } else {
    FreeProtectedRange(behind, large.mapped);
  }
  return range;
}

// The space in which an aligned block of n bytes fits wherever that space begins; 0 if there is
// none. An alignment may need a shift of up to itself, which TrimAround takes off again.
size_t SpaceFor(size_t n, size_t alignment, uint32_t guard) {
  const size_t lead = Max(alignment, kBlockAlignment) + LargeBlock::kFenceBytes;
  if (alignment > PTRDIFF_MAX / 2 || n > PTRDIFF_MAX - lead - 4 * KernelPage()) return 0;
  return RoundUp(n + lead, KernelPage()) + (alignment > KernelPage() ? KernelPage() : 0) +
         2 * size_t{guard};
}

// Makes the block known. On failure gives everything back and returns 0.
uintptr_t Publish(LargeBlock* large) {
  if (g_large_blocks.Publish(large)) {
    RaiseGuards(*large);
    return large->block;
  }
  const Interval whole = large->with_guards();
  FreeLargeRange(whole, large->mapped, whole.length());
  g_large_blocks.DeleteRecord(large);
  return 0;
}

// Whether freed blocks are held back with their guards (freed_large.h): a block may then be up to a
// quarter longer than what was asked for.
bool HoldsFreed() { return g_policy.HoldsLarge() && !os::g_chunks.scarce(); }

// A block in a range that was held back; 0 if there is none that fits.
uintptr_t AllocateHeld(size_t bytes, size_t n, Kind kind) {
  const FreedLarge::Record record = g_large_blocks.TakeHeld(bytes);
  const Interval held = record.held;
  if (held.empty()) return 0;
  LargeBlock* const large = g_large_blocks.NewRecord();
  const uint32_t guard = GuardBytes();
  const Interval inner = {held.begin + guard, held.end - guard};
  if (large == nullptr || (held.length() > FreedLarge::kMostResident && !os::Commit(inner))) {
    if (large != nullptr) g_large_blocks.DeleteRecord(large);
    g_large_blocks.DropHeld(record);
    return 0;
  }
  large->begin = inner.begin;
  large->end = inner.end;
  large->block = inner.begin + kBlockAlignment;
  large->requested = n;
  large->guard = guard;
  large->mapped = record.mapped;
  large->movable = false;
  large->kind = kind;
  if (g_large_blocks.Publish(large)) return large->block;
  g_large_blocks.DeleteRecord(large);
  g_large_blocks.DropHeld(record);
  return 0;
}

// Whether it can be held back: with guards if any has, so that whoever gets it next has them too.
bool CanBeHeldBack(const LargeBlock& large) { return HoldsFreed() && large.guard == GuardBytes(); }

// To seal a short one would take the kernel longer than the program its use.
bool IsSealedWhenFreed(const LargeBlock& large) {
  return large.with_guards().length() > FreedLarge::kMostResident;
}

bool IsFilledWhenFreed(const LargeBlock& large) {
  return g_options.quarantine.value != 0 && CanBeHeldBack(large) && !IsSealedWhenFreed(large);
}

// What the block held is gone, if that is asked for.
void Clear(const LargeBlock& large) {
  if (!g_options.zero_on_free || IsFilledWhenFreed(large)) return;
  uintptr_t end = large.end;
  const uintptr_t first_page = RoundUp(large.block, KernelPage());
  // Much of a long one may never have been touched: the kernel knows.
  if (large.length() > FreedLarge::kMostResident && os::Purge({first_page, end})) {
    end = first_page;
  }
  memset(reinterpret_cast<void*>(large.block), 0, end - large.block);
}

// The block's range, whole, no longer to be touched. False if it cannot be held back.
bool HoldBack(LargeBlock* large) {
  const Interval whole = large->with_guards();
  const bool seal = IsSealedWhenFreed(*large);
  if (seal && !os::Seal(whole)) return false;
  if (IsFilledWhenFreed(*large)) FreedLarge::Fill(large->block, large->length());
  g_large_blocks.NoteFreed(large, whole, /*resident=*/!seal);
  return true;
}

// A block's own address must lie in its range.
size_t AtLeastOne(size_t n) { return Max(n, size_t{1}); }

struct Memory {
  uintptr_t begin = 0;
  bool zeroed = false;
  bool mapped = false;
  bool movable = false;
};

// A mapping of its own. It is dense: unless the option says something else, the system's setting
// decides whether the kernel may use huge pages.
uintptr_t MapHuge(size_t bytes) {
  if (g_budget.Refuses(bytes)) return 0;
  const uintptr_t begin = os::Map(bytes);
  if (begin != 0 && g_options.huge_pages != HugePages::kAuto) {
    os::AllowHugePages(Interval::From(begin, bytes), g_options.huge_pages == HugePages::kAlways);
  }
  return begin;
}

// Where the kernel has no room for a huge one there may still be some in the chunks.
Memory TakeMemory(size_t bytes) {
  if (bytes >= kLeastHuge) {
    if (const uintptr_t begin = MapHuge(bytes)) return {begin, true, true, false};
    if (bytes > os::g_chunks.mapped()) return {};
  }
  const PageSupply::Grant grant = g_page_supply.Allocate(bytes);
  return {grant.begin, grant.zeroed(), false, false};
}

uintptr_t AllocateIn(const Memory& memory, size_t bytes, size_t n, size_t alignment, uint32_t guard,
                     Kind kind) {
  LargeBlock* const large = g_large_blocks.NewRecord();
  if (large == nullptr) {
    FreeLargeRange({memory.begin, memory.begin + bytes}, memory.mapped, memory.zeroed ? 0 : bytes);
    return 0;
  }
  large->begin = memory.begin;
  large->end = memory.begin + bytes;
  large->requested = n;
  large->guard = guard;
  large->mapped = memory.mapped;
  large->movable = memory.movable;
  large->kind = kind;
  TrimAround(large, n, Max(alignment, kBlockAlignment), memory.zeroed);
  return Publish(large);
}

}  // namespace

// What the kernel does not unmap, as it has no room for one more mapping, is free memory all the
// same.
void FreeLargeRange(Interval range, bool mapped, size_t touched) {
  if (mapped && os::Unmap(range)) return;
  if (mapped && os::Purge(range)) touched = 0;
  g_page_supply.Free(range.begin, range.length(), touched);
}

void FreeProtectedRange(Interval range, bool mapped) {
  if (mapped && os::Unmap(range)) return;
  g_page_supply.FreeProtected(range.begin, range.length());
}

uintptr_t AllocateLarge(size_t n, size_t alignment, bool* zeroed, Kind kind) {
  n = AtLeastOne(n);
  if (HoldsFreed() && alignment <= kBlockAlignment) {
    *zeroed = false;
    const size_t bytes = SpaceFor(n, alignment, GuardBytes());
    if (const uintptr_t block = bytes != 0 ? AllocateHeld(bytes, n, kind) : 0) return block;
  }
  const uint32_t guard = EnterGuardBudget();
  const size_t bytes = SpaceFor(n, alignment, guard);
  const Memory memory = bytes != 0 ? TakeMemory(bytes) : Memory{};
  *zeroed = memory.zeroed;
  uintptr_t block = 0;
  if (memory.begin != 0) block = AllocateIn(memory, bytes, n, alignment, guard, kind);
  if (block == 0) LeaveGuardBudget();
  return block;
}

uintptr_t AllocateMovable(size_t n) {
  const size_t bytes = SpaceFor(n, kBlockAlignment, /*guard=*/0);
  if (bytes == 0) return 0;
  uintptr_t block = 0;
  if (g_large_blocks.EnterMovable()) {
    const Memory memory = {MapHuge(bytes), true, true, true};
    if (memory.begin != 0) {
      block = AllocateIn(memory, bytes, n, kBlockAlignment, /*guard=*/0, Kind::kMalloc);
    }
  }
  if (block == 0) g_large_blocks.LeaveMovable();
  return block;
}

uintptr_t AllocateMapped(size_t n) {
  n = AtLeastOne(n);
  const uint32_t guard = EnterGuardBudget();
  const size_t bytes = SpaceFor(n, kBlockAlignment, guard);
  const Memory memory = {bytes != 0 ? MapHuge(bytes) : 0, true, true, false};
  uintptr_t block = 0;
  if (memory.begin != 0) {
    block = AllocateIn(memory, bytes, n, kBlockAlignment, guard, Kind::kMalloc);
  }
  if (block == 0) LeaveGuardBudget();
  return block;
}

bool FreeLarge(LargeBlock* large, uintptr_t block, uintptr_t caller) {
  if (!g_large_blocks.Unpublish(large, block)) return false;
  large->caller = caller;
  if (large->movable) g_large_blocks.LeaveMovable();
  Clear(*large);  // also what is then sealed: locked memory keeps what it holds
  if (CanBeHeldBack(*large) && HoldBack(large)) return true;
  const bool mapped = large->mapped;
  const Interval range = LiftGuards(*large);
  LeaveGuardBudget();
  g_large_blocks.NoteFreed(large, {}, /*resident=*/false);
  FreeLargeRange(range, mapped, range.length());
  return true;
}

namespace {

// Each returns whether the block could be changed so. `range`: what it has.

bool GiveBackTail(LargeBlock* large, Interval range, Interval tail, size_t n) {
  if (large->guard != 0 || !g_large_blocks.Resize(large, range, tail.begin, n)) return false;
  FreeLargeRange(tail, large->mapped, tail.length());
  return true;
}

bool Shrink(LargeBlock* large, Interval range, uintptr_t new_end, size_t n) {
  const Interval tail = {new_end, range.end};
  if (tail.length() < range.length() / kShrinkShare) {
    return g_large_blocks.Resize(large, range, range.end, n);
  }
  return GiveBackTail(large, range, tail, n);
}

bool GrowInPlace(LargeBlock* large, Interval range, uintptr_t new_end, size_t n) {
  const size_t more = new_end - range.end;
  const bool grown = large->mapped
                         ? os::Remap(range, range.length() + more, /*may_move=*/false) != 0
                         : g_page_supply.AllocateAt(range.end, more);
  if (!grown) return false;
  // The fence's memory, outside the lock under which it is written.
  *reinterpret_cast<volatile uint64_t*>(new_end - LargeBlock::kFenceBytes) = 0;
  if (g_large_blocks.Resize(large, range, new_end, n)) return true;
  FreeLargeRange({range.end, new_end}, large->mapped, more);
  return false;
}

bool GrowByMoving(LargeBlock* large, Interval range, size_t bytes, size_t n) {
  return large->mapped && g_large_blocks.Move(large, range, bytes, n);
}

bool Resize(LargeBlock* large, uintptr_t block, size_t n) {
  Interval range{};
  if (!g_large_blocks.Bounds(large, block, &range)) return false;
  const uintptr_t new_end = RoundUp(block + n + LargeBlock::kFenceBytes, KernelPage());
  if (new_end <= range.end) return Shrink(large, range, new_end, n);
  if (large->guard != 0 || g_budget.Refuses(new_end - range.end)) return false;
  const size_t bytes = new_end - range.begin;
  const size_t spare = os::g_chunks.scarce() ? 0 : RoundUp(bytes / kGrowthShare, KernelPage());
  // In place at any rate first: to move costs more.
  return GrowInPlace(large, range, new_end + spare, n) || GrowInPlace(large, range, new_end, n) ||
         GrowByMoving(large, range, bytes + spare, n) || GrowByMoving(large, range, bytes, n);
}

bool ResizeExactly(LargeBlock* large, uintptr_t block, size_t n) {
  Interval range{};
  if (!g_large_blocks.Bounds(large, block, &range)) return false;
  const uintptr_t new_end = RoundUp(block + n + LargeBlock::kFenceBytes, KernelPage());
  if (new_end == range.end) return g_large_blocks.Resize(large, range, new_end, n);
  if (new_end < range.end) return GiveBackTail(large, range, {new_end, range.end}, n);
  if (large->guard != 0 || g_budget.Refuses(new_end - range.end)) return false;
  return GrowInPlace(large, range, new_end, n) ||
         GrowByMoving(large, range, new_end - range.begin, n);
}

}  // namespace

uintptr_t ResizeMapped(LargeBlock* large, uintptr_t block, size_t n) {
  if (n > PTRDIFF_MAX - 2 * KernelPage() || !ResizeExactly(large, block, n)) return 0;
  return large->block;
}

uintptr_t ResizeLarge(LargeBlock* large, uintptr_t block, size_t n) {
  if (n > PTRDIFF_MAX - 2 * KernelPage() || !Resize(large, block, n)) return 0;
  return large->block;
}

}  // namespace mymalloc
