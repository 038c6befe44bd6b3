// What step 6 brings, and step 7 keeps: magazines, stacks of free blocks, in a heap for each
// thread. When a thread ends its heap is parked, and the next thread takes it over.

#ifndef BENCHMARKS_STEPS_MAGAZINES_H_
#define BENCHMARKS_STEPS_MAGAZINES_H_

#include "benchmarks/steps/size_classes.h"
#include "benchmarks/steps/step.h"

namespace steps {

// Good as zeros.
struct Magazine {
  static constexpr unsigned kMost = 64;

  // As many blocks of a class as a magazine may have: 32 KiB, but two at least.
  static constexpr unsigned MostOf(unsigned size_class) {
    const size_t fit = kLargest / SizeOf(size_class);
    return fit < 2 ? 2 : fit < kMost ? static_cast<unsigned>(fit) : kMost;
  }

  void Push(void* block) { blocks[count++] = block; }
  void* Pop() { return blocks[--count]; }
  void DropOldest(unsigned dropped) {
    count -= dropped;
    memmove(blocks, blocks + dropped, count * sizeof(void*));
  }

  unsigned count;
  void* blocks[kMost];
};

// A heap is good as zeros. It has a `Heap* next`, and `Leave()`, which the thread calls at its end.
template <typename Heap>
class Heaps {
 public:
  // The calling thread's; null if there is no memory for one.
  static Heap* Mine() { return mine_ != nullptr ? mine_ : Enter(); }

 private:
  __attribute__((noinline)) static Heap* Enter() {
    pthread_once(&once_, MakeKey);
    mine_ = TakeParked();
    if (mine_ == nullptr) mine_ = static_cast<Heap*>(Map(sizeof(Heap)));
    // This may allocate; there is a heap by now.
    if (mine_ != nullptr) pthread_setspecific(ending_, mine_);
    return mine_;
  }

  static void MakeKey() { pthread_key_create(&ending_, Park); }

  static void Park(void* ending) {
    auto* heap = static_cast<Heap*>(ending);
    heap->Leave();
    mine_ = nullptr;
    const Hold hold;
    heap->next = parked_;
    parked_ = heap;
  }

  static Heap* TakeParked() {
    const Hold hold;
    Heap* heap = parked_;
    if (heap != nullptr) parked_ = heap->next;
    return heap;
  }

  static inline thread_local Heap* mine_ = nullptr;
  static inline Heap* parked_ = nullptr;
  static inline pthread_key_t ending_ = 0;
  static inline pthread_once_t once_ = PTHREAD_ONCE_INIT;
};

}  // namespace steps

#endif  // BENCHMARKS_STEPS_MAGAZINES_H_
