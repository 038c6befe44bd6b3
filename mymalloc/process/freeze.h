// The whole allocator stands still: for fork, and for whoever counts or checks all of it.

#ifndef MYMALLOC_PROCESS_FREEZE_H_
#define MYMALLOC_PROCESS_FREEZE_H_

namespace mymalloc {

// Takes every lock, in the one order in which they may be taken (base/lock_order.h): until Unfreeze
// nothing changes but what other threads' magazines hold. The calling thread passes through locks
// meanwhile.
void Freeze();
void Unfreeze();
// The same if each lock comes free soon; else false, and nothing has happened. For who may hold one
// itself: in a handler that interrupted the allocator.
bool FreezeSoon();
// The same if each lock is free now: for who cannot wait.
bool TryFreeze();
// Instead of it, in the child of a fork: the other threads' heaps are parked.
void UnfreezeInChild();

// Freezes the allocator for as long as it lives.
class Frozen {
 public:
  Frozen() { Freeze(); }
  ~Frozen() { Unfreeze(); }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;
};

}  // namespace mymalloc

#endif  // MYMALLOC_PROCESS_FREEZE_H_
