#include "mymalloc/heap/page_cache.h"

namespace mymalloc {

PageHeader* PageCache::Ask(uintptr_t address, uint64_t version) {
  Interval range;
  Owner owner;
  PageHeader* const page = g_page_map.Find(address, &range, &owner) ? owner.page() : nullptr;
  // An edit that is under way makes the version odd: such an answer is used once.
  if (version % 2 == 0) answers_[address / kOsPage % kAnswers] = {address / kOsPage, version, page};
  return page;
}

}  // namespace mymalloc
