// How many guard pages there may be.
//
// The kernel lets a process have vm.max_map_count mappings, and a block between guard pages is two
// of them. When they are used up, nothing can be mapped any more: no memory for anybody, no stack
// for a thread. So blocks get guards only while there are few of them; and none where memory is
// limited, as at the limit the kernel may refuse to lift a guard.

#ifndef MYMALLOC_SUPPLY_GUARD_BUDGET_H_
#define MYMALLOC_SUPPLY_GUARD_BUDGET_H_

#include <atomic>
#include <cstddef>

namespace mymalloc {

class GuardBudget {
 public:
  // Once, as the process starts, where guards are asked for: later it might be in a sandbox that
  // does not let it read a file.
  static void ReadLimit();

  // Counts a block. Whether it may have guards: while fewer than an eighth of all mappings have
  // been counted, which is then a quarter of them at most, and nothing makes memory scarce.
  bool Enter();
  void Leave() { count_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  std::atomic<size_t> count_{0};
};

}  // namespace mymalloc

#endif  // MYMALLOC_SUPPLY_GUARD_BUDGET_H_
