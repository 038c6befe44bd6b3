#include "mymalloc/process/thread.h"

namespace mymalloc {

ABSL_CONST_INIT BareHeaps g_bare_heaps;
__thread intptr_t t_heap ABSL_ATTRIBUTE_INITIAL_EXEC;
__thread Heap* t_own_heap ABSL_ATTRIBUTE_INITIAL_EXEC;
bool g_detours;

void SetOwnHeap(Heap* own) {
  t_own_heap = own;
  Heap* const detour = &g_bare_heaps.heaps[static_cast<unsigned>(Bare::kDetour)];
  Heap* const current = own == nullptr || g_detours ? detour : own;
  t_heap = reinterpret_cast<intptr_t>(current) - reinterpret_cast<intptr_t>(g_bare_heaps.heaps);
}

}  // namespace mymalloc
