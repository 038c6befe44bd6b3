// What a heap gives back to the kernel, and when: called by the janitor and by malloc_trim.

#include "mymalloc/heap/heap.h"
#include "mymalloc/heap/janitor.h"
#include "mymalloc/heap/page_map.h"
#include "mymalloc/heap/page_supply.h"
#include "mymalloc/os/memory.h"

#if !defined(MYMALLOC_SANITIZED)
#include <linux/membarrier.h>
#endif

namespace mymalloc {
namespace {

// Freed in one tick and unused through the next: one decay period at least lies between.
constexpr uint16_t kTicksToKeep = 2;

// Makes every running thread of the process pass a memory barrier. False where the kernel cannot.
bool BarrierOnAllThreads() {
#if defined(MYMALLOC_SANITIZED)
  return false;  // the sanitizers cannot see it, and would call the protocol a race
#else
  if (Syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0) return true;
  return Syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 &&
         Syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
#endif
}

}  // namespace

bool Heap::Decay(uint16_t now, bool all) {
  LockHolder holder(lock_);
  // An owner that has not been on the slow path lately does not need much of what it holds.
  const bool idle = slow_calls_ == slow_calls_seen_;
  slow_calls_seen_ = slow_calls_;
  CollectRemote();
  if (idle || all) StealMagazines();
  bool more = !idle;
  more |= ReturnSpill(now, all ? 0 : kTicksToKeep);
  for (SizeClass c = 0; c < kSizeClasses; ++c) more |= DecayPages(c, now, all);
  return more;
}

// See magazine.h for why this is safe while the owner runs.
void Heap::StealMagazines() {
  bool any = false;
  for (Magazine& m : magazines_) any |= m.Guard();
  if (!any) return;
  const bool ordered = BarrierOnAllThreads();
  for (SizeClass c = 0; c < kSizeClasses; ++c) {
    Magazine& m = magazines_[c];
    const unsigned count = ordered ? m.Stealable() : 0;
    if (count != 0) ReturnEntries(c, m.begin(), count);
    m.Unguard(count);
  }
}

bool Heap::DecayPages(SizeClass c, uint16_t now, bool all) {
  bool more = false;
  PageHeader* next = nullptr;
  for (PageHeader* page = lists_[c].head; page != nullptr; page = next) {
    next = page->next;
    const uint16_t age = static_cast<uint16_t>(now - page->freed_at);
    if (!all && age < kTicksToKeep) {
      more |= page->holes != 0;
    } else if (page->AllFree()) {
      Retire(page);
      more = true;  // the supply has it now
    } else if (page->holes != 0) {
      more |= PurgeHoles(page);
    }
  }
  return more;
}

// Gives back the whole OS pages inside runs of free slots. The tag of the slot behind a run stays;
// behind the last slot there is none.
bool Heap::PurgeHoles(PageHeader* page) {
  bool purged = false;
  page->holes = 0;
  const uintptr_t header_page = page->page();
  const size_t stride = page->stride();
  for (unsigned first = 0, n = 0; page->free.NextRun(first + n, &first, &n);) {
    if (first >= page->high_water) break;  // never touched from here on
    const unsigned end_slot = Min<unsigned>(first + n, page->high_water);
    uintptr_t begin = RoundUp(page->Block(first), kOsPage);
    const size_t tag_bytes = end_slot == kSlotsPerPage ? 0 : kTagBytes;
    const uintptr_t end = RoundDown(page->page() + end_slot * stride - tag_bytes, kOsPage);
    if (begin == header_page) begin += kOsPage;
    if (end > begin) purged |= os::Purge(begin, end - begin);
  }
  return purged;
}

}  // namespace mymalloc
