#include "mymalloc/answer/should_move.h"

#include "mymalloc/answer/find.h"
#include "mymalloc/heap/heap.h"
#include "mymalloc/os/onlooker.h"
#include "mymalloc/page/page_glance.h"
#include "mymalloc/supply/page_map.h"

namespace mymalloc {
namespace {

constexpr unsigned kSparseShare = 4;

// The page that an address lies in now; its memory stays as long as the caller is an onlooker.
PageHeader* PageAt(uintptr_t address) {
  Interval range;
  Owner owner;
  const auto found = g_page_map.FindWithoutLock(address, &range, &owner);
  return found == PageMap::Answer::kFound && !owner.sampled() ? owner.page() : nullptr;
}

}  // namespace

bool ShouldMove(uintptr_t block) {
  mymalloc_info info;
  if (!FindAddress(block, &info) || info.state != MYMALLOC_LIVE || info.kind != MYMALLOC_SMALL) {
    return false;
  }
  const os::Onlooker onlooker;
  const PageHeader* const header = PageAt(block);
  if (header == nullptr) return false;
  const PageGlance page(*header);
  if (!page.Intact() || IsRunClass(page.size_class())) return false;
  const unsigned taken = page.capacity() - Min(page.CountFree(), page.capacity());
  if (taken * kSparseShare > page.capacity()) return false;
  const Heap* const heap = g_heaps[page.heap()];
  return heap != nullptr &&
         !heap->ServesFrom(page.size_class(), reinterpret_cast<uintptr_t>(header));
}

}  // namespace mymalloc
