// A queue of pointers between one producer and one consumer. Pointers travel in batches: one
// release store and one acquire load for a whole batch, so that the allocator is measured and not
// the queue.

#ifndef BENCHMARKS_WORKLOADS_RING_H_
#define BENCHMARKS_WORKLOADS_RING_H_

#include <sched.h>

#include <array>
#include <atomic>
#include <cstddef>

namespace workloads {

inline constexpr size_t kRingBatch = 64;
using Batch = std::array<void*, kRingBatch>;

// Of `kSize` batches at most under way.
template <size_t kSize>
class Ring {
 public:
  // The next batch to fill, once there is room for one.
  Batch& Fill() {
    while (head_.load(std::memory_order_relaxed) - tail_.load(std::memory_order_acquire) == kSize) {
      sched_yield();
    }
    return batches_[head_.load(std::memory_order_relaxed) % kSize];
  }
  void Push() { head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

  bool Empty() const {
    return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_relaxed);
  }

  // The next batch to take, once there is one.
  const Batch& Take() {
    while (Empty()) sched_yield();
    return batches_[tail_.load(std::memory_order_relaxed) % kSize];
  }
  void Pop() { tail_.store(tail_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

 private:
  alignas(128) std::atomic<size_t> head_{0};
  alignas(128) std::atomic<size_t> tail_{0};
  alignas(128) std::array<Batch, kSize> batches_{};
};

}  // namespace workloads

#endif  // BENCHMARKS_WORKLOADS_RING_H_
