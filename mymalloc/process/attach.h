// A thread's first slow call, which gives it a heap, and its end; and within the first of all, the
// start of the process.

#ifndef MYMALLOC_PROCESS_ATTACH_H_
#define MYMALLOC_PROCESS_ATTACH_H_

#include "mymalloc/process/registry.h"
#include "mymalloc/process/thread.h"

namespace mymalloc {

void Attach();

// Sets the process up (options, secret, limits) if nobody has, and gives this thread a heap unless
// it has one or is exiting.
inline void EnsureHeap() {
  if (t_heap == 0) Attach();
}

// The heap for slow operations of this thread. nullptr when there is not even memory for a heap.
inline Heap* HeapForSlowWay() {
  EnsureHeap();
  return HasOwnHeap() ? OwnHeap() : g_registry.SharedHeap();
}

}  // namespace mymalloc

#endif  // MYMALLOC_PROCESS_ATTACH_H_
