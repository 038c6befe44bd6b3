#include "mymalloc/heap/guard_budget.h"

#include <fcntl.h>

#include "mymalloc/base/syscall.h"

namespace mymalloc {
namespace {

constexpr size_t kUsual = 65530;  // where the kernel does not say
constexpr size_t kShare = 8;

size_t ReadMaxMapCount() {
  const long fd =
      Syscall(SYS_open, reinterpret_cast<long>("/proc/sys/vm/max_map_count"), O_RDONLY | O_CLOEXEC);
  if (IsError(fd)) return kUsual;
  char text[24] = {};
  const long length = Syscall(SYS_read, fd, reinterpret_cast<long>(text), sizeof(text));
  Syscall(SYS_close, fd);
  size_t count = 0;
  for (long i = 0; i < length && text[i] >= '0' && text[i] <= '9'; ++i)
    count = count * 10 + static_cast<size_t>(text[i] - '0');
  return count;
}

// Asked for once; by two threads at the same time it may be twice.
size_t Most() {
  static std::atomic<size_t> most{0};
  size_t now = most.load(std::memory_order_relaxed);
  if (now == 0) {
    now = ReadMaxMapCount() / kShare + 1;
    most.store(now, std::memory_order_relaxed);
  }
  return now;
}

}  // namespace

bool GuardBudget::Enter() { return count_.fetch_add(1, std::memory_order_relaxed) < Most(); }

}  // namespace mymalloc
