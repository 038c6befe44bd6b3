#include "mymalloc/process/freeze.h"

#include "mymalloc/large/large.h"
#include "mymalloc/misuse/sampled_blocks.h"
#include "mymalloc/os/metadata.h"
#include "mymalloc/process/attach.h"
#include "mymalloc/process/janitor.h"
#include "mymalloc/process/registry.h"
#include "mymalloc/supply/page_map.h"
#include "mymalloc/supply/page_supply.h"

namespace mymalloc {
namespace {

// The lock order: who takes several takes them in this one.
template <typename Do>
void ForEachLock(Do&& lock) {
  lock(g_janitor.pass_lock());
  for (Lock& giver : g_janitor.givers()) lock(giver);
  lock(g_registry.lock());
  for (HeapId id = kFirstHeap; id <= g_registry.HighestId(); ++id) lock(g_heaps[id]->lock());
  lock(g_sampled.lock());
  lock(g_large_blocks.lock());
  lock(g_page_supply.lock());
  lock(g_page_map.lock());
  lock(os::MetadataLock());
}

}  // namespace

void Freeze() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  EnsureHeap();
  ForEachLock([](Lock& lock) ABSL_NO_THREAD_SAFETY_ANALYSIS { lock.Acquire(); });
  Lock::BeginFork();
}

void Unfreeze() {
  Lock::EndFork();
  ForEachLock([](Lock& lock) ABSL_NO_THREAD_SAFETY_ANALYSIS { lock.Release(); });
}

void UnfreezeInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  g_registry.ParkOthers(t_own_heap);
  Unfreeze();
}

}  // namespace mymalloc
