// The last long blocks that a thread has freed, and from where: of those below a slot's length the
// block itself says it (page/freed_from.h). Written by the heap's owner, read by reports.

#ifndef MYMALLOC_HEAP_LAST_FREES_H_
#define MYMALLOC_HEAP_LAST_FREES_H_

#include <atomic>
#include <cstdint>

namespace mymalloc {

class LastFrees {
 public:
  void Add(uintptr_t block, uintptr_t caller) {
    const unsigned next = next_.load(std::memory_order_relaxed);
    Item& item = items_[next % kMost];
    item.caller.store(0, std::memory_order_relaxed);
    item.block.store(block, std::memory_order_relaxed);
    item.caller.store(caller, std::memory_order_relaxed);
    next_.store(next + 1, std::memory_order_relaxed);
  }
  // From where the block was freed last; 0 if that is too long ago.
  uintptr_t Find(uintptr_t block) const {
    const unsigned next = next_.load(std::memory_order_relaxed);
    for (unsigned i = 1; i <= kMost; ++i) {
      const Item& item = items_[(next - i) % kMost];
      if (item.block.load(std::memory_order_relaxed) == block) {
        return item.caller.load(std::memory_order_relaxed);
      }
    }
    return 0;
  }

 private:
  static constexpr unsigned kMost = 32;
  struct Item {
    std::atomic<uintptr_t> block;
    std::atomic<uintptr_t> caller;
  };

  std::atomic<unsigned> next_;
  Item items_[kMost];
};

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_LAST_FREES_H_
