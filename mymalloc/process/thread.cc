#include "mymalloc/process/thread.h"

namespace mymalloc {

ABSL_CONST_INIT BareHeaps g_bare_heaps;
__thread intptr_t t_heap ABSL_ATTRIBUTE_INITIAL_EXEC;
__thread Heap* t_own_heap ABSL_ATTRIBUTE_INITIAL_EXEC;
__thread ThreadCounts t_counts ABSL_ATTRIBUTE_INITIAL_EXEC;
__thread bool t_is_counted ABSL_ATTRIBUTE_INITIAL_EXEC;
__thread intptr_t t_uncounted_heap ABSL_ATTRIBUTE_INITIAL_EXEC;
bool g_detours;
std::atomic<bool> g_reallocs_ask_more;

namespace {

constexpr intptr_t kDetourHeap = static_cast<size_t>(Bare::kDetour) * sizeof(Heap);

}  // namespace

void SetOwnHeap(Heap* own) {
  t_own_heap = own;
  const intptr_t distance =
      reinterpret_cast<intptr_t>(own) - reinterpret_cast<intptr_t>(g_bare_heaps.heaps);
  (t_is_counted ? t_uncounted_heap : t_heap) = own == nullptr || g_detours ? kDetourHeap : distance;
}

void CountThread() {
  if (t_is_counted) return;
  g_reallocs_ask_more.store(true, std::memory_order_relaxed);
  t_uncounted_heap = t_heap;
  t_is_counted = true;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  t_heap = kDetourHeap;
}

}  // namespace mymalloc
