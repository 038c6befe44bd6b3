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
  const size_t first = (at - page.page()) / page.stride();
  const size_t last = (at + KernelPage() - 1 + kTagBytes - page.page()) / page.stride();
  for (size_t slot = first; slot <= last && slot < page.slots(); ++slot) {
    const auto s = static_cast<unsigned>(slot);
    if (!page.free.Test(s) || page.clean.Test(s) != clean) return false;
  }
  return true;
}

// How many of these are resident, or not. Without the one that the page's high water lies in.
inline size_t FreePages(const PageHeader& page, bool clean, bool resident) {
  const uintptr_t high_water = RoundDown(page.Block(page.high_water), KernelPage());
  size_t count = 0;
  for (uintptr_t at = page.page() + KernelPage(); at + KernelPage() <= page.Block(page.slots());
       at += KernelPage()) {
    if (at == high_water || !IsOfFreeSlots(page, at, clean)) continue;
    if ((ResidentPages(at, KernelPage()) != 0) == resident) ++count;
  }
  return count;
}

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_HEAP_FREE_PAGES_H_
