// Kernel pages that only free slots of a page lie in.

#ifndef MYMALLOC_TESTS_HEAP_FREE_PAGES_H_
#define MYMALLOC_TESTS_HEAP_FREE_PAGES_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/page/page.h"
#include "tests/support/residency.h"

namespace mymalloc::test {

// Whether all that lies on the kernel page at `at` is slots that are free and clean, or free and
// not, with their tags.
inline bool IsOfFreeSlots(const PageHeader& page, uintptr_t at, bool clean) {
  const SlotIndex last = page.SlotAt(at + KernelPage() - 1 + kTagBytes);
  for (SlotIndex slot = page.SlotAt(at); slot <= last && slot < page.slots_end(); ++slot) {
    if (!page.free.Test(slot) || page.clean.Test(slot) != clean) return false;
  }
  return true;
}

// How many of these are resident, or not. Without the one that the page's high water lies in.
inline size_t FreePages(const PageHeader& page, bool clean, bool resident) {
  const uintptr_t high_water = RoundDown(page.Block(page.touched_end()), KernelPage());
  size_t count = 0;
  for (uintptr_t at = page.page() + KernelPage(); at + KernelPage() <= page.Block(page.slots_end());
       at += KernelPage()) {
    if (at == high_water || !IsOfFreeSlots(page, at, clean)) continue;
    if ((ResidentPages(at, KernelPage()) != 0) == resident) ++count;
  }
  return count;
}

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_HEAP_FREE_PAGES_H_
