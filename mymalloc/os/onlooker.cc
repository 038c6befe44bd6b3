#include "mymalloc/os/onlooker.h"

#include "mymalloc/base/arch.h"

namespace mymalloc::os {

std::atomic<uint32_t> Onlooker::count_{0};

bool Onlooker::MayHide() {
  // Many times as long as a look takes, of a thread that is not off its processor.
  constexpr int kPatience = 500;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (int i = 0; i < kPatience; ++i) {
    if (count_.load(std::memory_order_seq_cst) == 0) return true;
    SpinPause();
  }
  return false;
}

}  // namespace mymalloc::os
