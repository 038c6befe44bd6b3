#include "mymalloc/process/registry.h"

#include "absl/base/attributes.h"
#include "mymalloc/os/metadata.h"
#include "mymalloc/supply/budget.h"

namespace mymalloc {

ABSL_CONST_INIT Registry g_registry;

Heap* Registry::TakeHeap(void (*start_process)()) {
  HeapId id = TakeAtHand();
  if (id == Tag::kNobody) {
    LockHolder holder(lock_);
    if (!process_started_) start_process();
    process_started_ = true;
    if (SharedHeap() == nullptr) shared_.store(CreateHeap(), std::memory_order_release);
    if (parked_count_ == 0) return CreateHeap();
    id = parked_[--parked_count_];
  }
  g_heaps[id]->set_parked(false);
  return g_heaps[id];
}

// A thread begins with the place that its thread data leads to: the next one often has the same
// stack, and then takes the heap that was used there last.
HeapId Registry::TakeAtHand() {
  for (unsigned i = 0; i < kAtHand; ++i) {
    std::atomic<HeapId>& place = AtHand(i);
    if (place.load(std::memory_order_relaxed) == Tag::kNobody) continue;
    const HeapId id = place.exchange(Tag::kNobody, std::memory_order_acquire);
    if (id != Tag::kNobody) return id;
  }
  return Tag::kNobody;
}

bool Registry::PutAtHand(HeapId id) {
  for (unsigned i = 0; i < kAtHand; ++i) {
    HeapId none = Tag::kNobody;
    if (AtHand(i).compare_exchange_strong(none, id, std::memory_order_release,
                                          std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

std::atomic<HeapId>& Registry::AtHand(unsigned i) {
  return at_hand_[(ThreadPointer() / KernelPage() + i) % kAtHand];
}

Heap* Registry::CreateHeap() {
  const HeapId id = highest_id_.load(std::memory_order_relaxed) + 1;
  if (id >= HeapId{kMaxHeaps}) return nullptr;
  Heap* const heap = static_cast<Heap*>(os::AllocateMetadata(sizeof(Heap)));
  if (heap == nullptr) return nullptr;
  heap->Init(id);
  g_budget.AddHeap();
  g_heaps[id] = heap;
  highest_id_.store(id, std::memory_order_release);
  return heap;
}

void Registry::Park(Heap* heap) {
  heap->set_parked(true);
  if (PutAtHand(heap->id())) return;
  LockHolder holder(lock_);
  parked_[parked_count_++] = heap->id();
}

void Registry::ParkOthers(const Heap* own) {
  // The threads that had these are not in the child. Of one that was between two instructions
  // of a short way, at most one block is lost; or its heap was on its way to or from here.
  parked_count_ = 0;
  for (std::atomic<HeapId>& place : at_hand_) place.store(Tag::kNobody, std::memory_order_relaxed);
  for (HeapId id = kFirstHeap; id <= HighestId(); ++id) {
    Heap* const heap = g_heaps[id];
    if (heap == own || heap == SharedHeap()) continue;
    if (!heap->parked()) heap->set_parked(true);
    parked_[parked_count_++] = id;
  }
}

}  // namespace mymalloc
