#include "mymalloc/supply/guard_budget.h"

#include "mymalloc/os/chunks.h"
#include "mymalloc/os/setting.h"

namespace mymalloc {
namespace {

constexpr size_t kUsual = 65530;  // where the kernel does not say
constexpr size_t kShare = 8;

std::atomic<size_t> g_most{kUsual / kShare};

}  // namespace

void GuardBudget::ReadLimit() {
  const size_t mappings = os::ReadSetting("/proc/sys/vm/max_map_count", kUsual);
  g_most.store(mappings / kShare + 1, std::memory_order_relaxed);
}

bool GuardBudget::Enter() {
  const size_t most = g_most.load(std::memory_order_relaxed);
  return count_.fetch_add(1, std::memory_order_relaxed) < most && !os::g_chunks.scarce();
}

}  // namespace mymalloc
