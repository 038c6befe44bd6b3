#include "mymalloc/process/freeze.h"

#include "absl/base/attributes.h"
#include "mymalloc/base/lock_order.h"
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

// All locks of a name. Inlined, as the compiler then knows which name that is.
template <typename Do>
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void ForEachOf(LockName name, Do&& lock) {
  switch (name) {
    case LockName::kJanitorPass:
      return lock(g_janitor.pass_lock());
    case LockName::kGiver:
      for (Janitor::Giver& giver : g_janitor.givers()) lock(giver.lock);
      return;
    case LockName::kRegistry:
      return lock(g_registry.lock());
    case LockName::kHeap:
      for (HeapId id = kFirstHeap; id <= g_registry.HighestId(); ++id) lock(g_heaps[id]->lock());
      return;
    case LockName::kSampled:
      return lock(g_sampled.lock());
    case LockName::kLargeBlocks:
      return lock(g_large_blocks.lock());
    case LockName::kPageSupply:
      return lock(g_page_supply.lock());
    case LockName::kPageMap:
      return lock(g_page_map.lock());
    case LockName::kMetadata:
      return lock(os::MetadataLock());
    case LockName::kBudget:
      return;
  }
}

// In their order.
template <typename Do>
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void ForEachLock(Do&& lock) {
#define MYMALLOC_EACH_OF(name, words) ForEachOf(LockName::name, lock);
  MYMALLOC_FOR_EACH_LOCK(MYMALLOC_EACH_OF)
#undef MYMALLOC_EACH_OF
}

// By `acquire`, of all or none: what it takes of one it has to take of each.
template <typename Acquire>
bool FreezeBy(Acquire&& acquire) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  unsigned taken = 0;
  bool all = true;
  ForEachLock([&](Lock& lock) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    all = all && acquire(lock);
    taken += all ? 1 : 0;
  });
  if (all) {
    Lock::BeginFork();
    return true;
  }
  ForEachLock([&](Lock& lock) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (taken == 0) return;
    lock.Release();
    --taken;
  });
  return false;
}

}  // namespace

void Freeze() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  EnsureHeap();
  ForEachLock([](Lock& lock) ABSL_NO_THREAD_SAFETY_ANALYSIS { lock.Acquire(); });
  Lock::BeginFork();
}

bool FreezeSoon() {
  return FreezeBy([](Lock& lock) ABSL_NO_THREAD_SAFETY_ANALYSIS { return lock.AcquireSoon(); });
}

bool TryFreeze() {
  return FreezeBy([](Lock& lock) ABSL_NO_THREAD_SAFETY_ANALYSIS { return lock.TryAcquire(); });
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
