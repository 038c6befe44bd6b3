#include "mymalloc/heap/guard_budget.h"

#include "mymalloc/os/chunks.h"
#include "mymalloc/os/setting.h"

namespace mymalloc {
namespace {

constexpr size_t kUsual = 65530;  // where the kernel does not say
constexpr size_t kShare = 8;

// Asked for once; by two threads at the same time it may be twice.
size_t Most() {
  static std::atomic<size_t> most{0};
  size_t now = most.load(std::memory_order_relaxed);
  if (now == 0) {
    now = os::ReadSetting("/proc/sys/vm/max_map_count", kUsual) / kShare + 1;
    most.store(now, std::memory_order_relaxed);
  }
  return now;
}

}  // namespace

bool GuardBudget::Enter() {
  return count_.fetch_add(1, std::memory_order_relaxed) < Most() && !os::g_chunks.scarce();
}

}  // namespace mymalloc
