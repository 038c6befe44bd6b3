#include "mymalloc/heap/freer.h"

#include "absl/base/attributes.h"
#include "mymalloc/base/options.h"
#include "mymalloc/fault/modules.h"
#include "mymalloc/heap/heap.h"
#include "mymalloc/page/freed_from.h"

namespace mymalloc {
namespace {

// What one thread remembers. It may be changing that just now: then this finds nothing, or what was
// true a moment ago.
ABSL_ATTRIBUTE_NO_SANITIZE_THREAD uintptr_t RememberedBy(const Heap& heap, uintptr_t block) {
  uintptr_t caller = 0;
  heap.quarantine().ForEach([block, &caller](Quarantine::Item item) {
    if (item.block == block) caller = item.caller;
  });
  return caller;
}

// The library's own code frees for realloc: that tells nothing of the program.
bool IsOwnLibrary(const Module& module) {
  return !module.IsProgram() && module.Contains(reinterpret_cast<uintptr_t>(&IsOwnLibrary));
}

}  // namespace

uintptr_t FreedFromWhere(const FaultBlock& block) {
  if (block.state != FaultBlock::kFree || block.page == 0) return block.freed_from;
  for (HeapId id = kFirstHeap; id.value() < kMaxHeaps && g_heaps[id] != nullptr; ++id) {
    if (const uintptr_t caller = RememberedBy(*g_heaps[id], block.begin)) return caller;
  }
  // Of short blocks it is only written on the detour.
  const bool tells = g_policy.Detour() || block.usable > kLargestMedium;
  return tells ? FreedFrom::Read(block.begin) : 0;
}

const FaultEvent* FreedBy(uintptr_t caller, FaultEvent* event) {
  Module module;
  if (caller == 0 || !FindModule(caller - 1, &module) || IsOwnLibrary(module)) return nullptr;
  event->count = 1;
  event->frames[0] = caller;
  return event;
}

}  // namespace mymalloc
