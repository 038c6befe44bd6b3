#include "mymalloc/answer/find.h"

#include "mymalloc/answer/describe.h"
#include "mymalloc/base/options.h"
#include "mymalloc/heap/freer.h"
#include "mymalloc/large/large.h"
#include "mymalloc/misuse/sampled_blocks.h"
#include "mymalloc/os/chunks.h"
#include "mymalloc/os/metadata.h"
#include "mymalloc/os/onlooker.h"
#include "mymalloc/supply/page_map.h"
#include "mymalloc/supply/page_supply.h"

namespace mymalloc {
namespace {

using Answer = PageMap::Answer;

// False if the page is none any more.
bool DescribeInPage(uintptr_t address, Interval range, const PageHeader& header,
                    mymalloc_info* info) {
  const PageGlance page(header);
  if (!page.Intact() || page.bytes() != range.length()) {
    DescribeRange(MYMALLOC_METADATA, range, info);
    info->state = MYMALLOC_OVERWRITTEN;
    return false;
  }
  const SlotIndex slot = page.SlotAt(address);
  if (page.IsPlace(slot)) {
    DescribeSlots(page, page.RunAt(slot), info);
  } else {
    DescribeRange(MYMALLOC_METADATA, range, info);
    info->page = info->base;
    info->heap = page.heap().value();
  }
  return true;
}

// What the map has there. Only for one moment if it is edited meanwhile: see the caller.
bool DescribeOwned(uintptr_t address, Interval range, Owner owner, mymalloc_info* info) {
  if (owner.sampled()) return DescribeSampled(address, info), true;
  if (const LargeBlock* const large = owner.large()) return DescribeLarge(*large, info), true;
  return DescribeInPage(address, range, *owner.page(), info);
}

bool IsSame(const Interval& a, const Interval& b) { return a.begin == b.begin && a.end == b.end; }

Answer FindInMap(uintptr_t address, mymalloc_info* info) {
  constexpr int kAttempts = 16;
  const os::Onlooker onlooker;
  for (int attempt = 0;; ++attempt) {
    *info = {};
    const uint64_t version = g_page_map.Version();
    Interval range;
    Owner owner;
    const Answer found = g_page_map.FindWithoutLock(address, &range, &owner);
    if (found != Answer::kFound) return found;
    const bool sound = DescribeOwned(address, range, owner, info);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (version % 2 == 0 && g_page_map.Version() == version) return found;
    if (attempt < kAttempts) continue;
    Interval range_now;
    Owner owner_now;
    const Answer now = g_page_map.FindWithoutLock(address, &range_now, &owner_now);
    if (now == Answer::kBusy) return now;
    const bool same = IsSame(range, range_now) && owner.bits() == owner_now.bits();
    if (now == Answer::kFound && sound && same) return now;
    if (attempt == 2 * kAttempts) return Answer::kBusy;
  }
}

// Beside a large block, or behind a page.
bool IsGuardBeside(uintptr_t address, uintptr_t neighbour) {
  Interval range;
  Owner owner;
  if (g_page_map.FindWithoutLock(neighbour, &range, &owner) != Answer::kFound) return false;
  if (owner.sampled() || range.Contains(address)) return false;
  const LargeBlock* const large = owner.large();
  if (large == nullptr) {
    return address >= range.end && address - range.end < PageSupply::GuardOf(range.length());
  }
  return large->guard_before().Contains(address) || large->guard_behind().Contains(address);
}

bool IsGuard(uintptr_t address) {
  return g_options.guard_pages && (IsGuardBeside(address, address - KernelPage()) ||
                                   IsGuardBeside(address, address + KernelPage()));
}

// Its memory may be held back; else nothing else is there now.
bool DescribeFreedLargeAt(uintptr_t address, mymalloc_info* info) {
  FreedLarge::Record freed;
  if (!g_large_blocks.PeekFreed(address, &freed)) return false;
  DescribeFreedLarge(freed, info);
  return true;
}

void DescribeUnmapped(uintptr_t address, mymalloc_info* info) {
  Interval range;
  bool guard;
  if (os::FindMetadata(address, &range, &guard)) {
    return DescribeRange(guard ? MYMALLOC_GUARD : MYMALLOC_METADATA, range, info);
  }
  if (DescribeFreedLargeAt(address, info)) return;
  if (IsGuard(address)) {
    const uintptr_t page = RoundDown(address, KernelPage());
    return DescribeRange(MYMALLOC_GUARD, Interval::From(page, KernelPage()), info);
  }
  if (os::InChunk(address)) info->kind = MYMALLOC_UNUSED;
}

bool IsFreed(const mymalloc_info& info) {
  return info.state == MYMALLOC_FREE || info.state == MYMALLOC_CACHED ||
         info.state == MYMALLOC_QUARANTINED;
}

void AddFreer(mymalloc_info* info) {
  if (!IsFreed(*info) || info->kind == MYMALLOC_SAMPLED || info->freed_at != nullptr) return;
  FaultBlock block;
  block.begin = reinterpret_cast<uintptr_t>(info->base);
  block.usable = info->usable_size;
  block.state = FaultBlock::kFree;
  block.page = reinterpret_cast<uintptr_t>(info->page);
  // The block's first word may be read, if its page is still there.
  const os::Onlooker onlooker;
  Interval range;
  Owner owner;
  const Answer found = g_page_map.FindWithoutLock(block.begin, &range, &owner);
  if (block.page != 0 && (found != Answer::kFound || owner.page() == nullptr)) return;
  info->freed_at = reinterpret_cast<const void*>(FreedFromWhere(block));
}

}  // namespace

bool FindAddress(uintptr_t address, mymalloc_info* info) {
  const Answer found = FindInMap(address, info);
  if (found == Answer::kBusy) {
    *info = {};
    info->kind = MYMALLOC_BUSY;
    return false;
  }
  if (found == Answer::kNothing) DescribeUnmapped(address, info);
  AddFreer(info);
  return true;
}

mymalloc_range CheckRange(uintptr_t begin, size_t n) {
  mymalloc_info info;
  if (!FindAddress(begin, &info)) return MYMALLOC_RANGE_BUSY;
  if (info.kind == MYMALLOC_NOT_OURS) return MYMALLOC_RANGE_NOT_OURS;
  const size_t offset = begin - reinterpret_cast<uintptr_t>(info.base);
  if (info.state != MYMALLOC_LIVE || offset > info.usable_size) return MYMALLOC_OUTSIDE;
  const size_t most = Min(info.asked_size, info.usable_size);
  return offset <= most && n <= most - offset ? MYMALLOC_INSIDE : MYMALLOC_OUTSIDE;
}

}  // namespace mymalloc
