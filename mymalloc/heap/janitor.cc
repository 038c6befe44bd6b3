#include "mymalloc/heap/janitor.h"

#include <linux/futex.h>
#include <sys/prctl.h>
#include <time.h>

#include "absl/base/attributes.h"
#include "mymalloc/base/options.h"
#include "mymalloc/base/syscall.h"
#include "mymalloc/fault/abort.h"
#include "mymalloc/fault/fault.h"
#include "mymalloc/heap/heap.h"
#include "mymalloc/heap/large.h"
#include "mymalloc/heap/page_supply.h"
#include "mymalloc/heap/registry.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/os/raw_thread.h"

namespace mymalloc {
namespace {

uint64_t TickMillis() { return g_options.decay.value / 2 + 1; }

void SleepMillis(uint64_t millis) {
  timespec left = {static_cast<time_t>(millis / 1000), static_cast<long>(millis % 1000) * 1000000};
  while (Syscall(SYS_nanosleep, reinterpret_cast<long>(&left), reinterpret_cast<long>(&left)) ==
         -EINTR) {
  }
}

}  // namespace

ABSL_CONST_INIT Janitor g_janitor;

void Janitor::WakeSlow() {
  uint32_t state = state_.load(std::memory_order_relaxed);
  if (state == kAsleep && state_.compare_exchange_strong(state, kAwake)) {
    Syscall(SYS_futex, reinterpret_cast<long>(&state_), FUTEX_WAKE_PRIVATE, 1);
  } else if (state == kNotStarted && state_.compare_exchange_strong(state, kStarting)) {
    // The thread looks at the state only after its first sleep.
    if (g_options.background_thread && StartThread()) {
      state_.store(kAwake);
    } else {
      due_.store(os::NowMillis() + TickMillis(), std::memory_order_relaxed);
      state_.store(kNoThread);
    }
  }
}

void Janitor::PollSlow() {
  uint64_t due = due_.load(std::memory_order_relaxed);
  const uint64_t now = os::NowMillis();
  // One thread does the pass.
  if (now < due || !due_.compare_exchange_strong(due, now + TickMillis())) return;
  Pass(/*all=*/false);
}

bool Janitor::StartThread() {
#if defined(MYMALLOC_SANITIZED)
  return false;  // sanitizers must know every thread
#else
  return os::StartRawThread(&Janitor::ThreadMain, this);
#endif
}

int Janitor::ThreadMain(void* janitor) {
  Syscall(SYS_prctl, PR_SET_NAME, reinterpret_cast<long>("mymalloc"));
  static_cast<Janitor*>(janitor)->Run();
  return 0;
}

void Janitor::Run() {
  for (;;) {
    SleepMillis(TickMillis());
    while (state_.load() == kAsleep) {
      Syscall(SYS_futex, reinterpret_cast<long>(&state_), FUTEX_WAIT_PRIVATE, kAsleep, 0);
    }
    // Asleep first: who frees something during the pass wakes us again.
    state_.store(kAsleep);
    if (Pass(/*all=*/false)) state_.store(kAwake);
  }
}

bool Janitor::Reclaim() {
  const bool passed = Pass(/*all=*/true);
  return g_page_supply.ReleaseChunks() || passed;
}

bool Janitor::Pass(bool all) {
  bool more;
  bool abort;
  {
    LockHolder holder(pass_lock_);
    BeginGivingBack();
    more = PassLocked(all);
    abort = EndGivingBack();
  }
  if (abort) Abort();
  return more;
}

bool Janitor::PassLocked(bool all) {
  const uint16_t now = static_cast<uint16_t>(tick() + 1);
  tick_.store(now, std::memory_order_relaxed);
  if (all) g_registry.FlushOwn();
  bool more = false;
  for (HeapId id = 1; id <= g_registry.HighestId(); ++id) {
    if (Heap* heap = g_heaps[id]) more |= heap->Decay(now, all);
  }
  more |= all ? g_page_supply.PurgeAll() : g_page_supply.Decay();
  more |= all ? g_large_cache.PurgeAll() : g_large_cache.Decay();
  return more;
}

}  // namespace mymalloc
