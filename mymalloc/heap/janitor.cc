#include "mymalloc/heap/janitor.h"

#include "absl/base/attributes.h"
#include "mymalloc/base/options.h"
#include "mymalloc/fault/abort.h"
#include "mymalloc/fault/fault.h"
#include "mymalloc/heap/heap.h"
#include "mymalloc/heap/large.h"
#include "mymalloc/heap/page_supply.h"
#include "mymalloc/heap/registry.h"
#include "mymalloc/os/memory.h"

namespace mymalloc {
namespace {

// What one step gives back at most, some hundred microseconds of the kernel's work; and how many
// steps one call of malloc or free takes at most.
constexpr size_t kMostAtOnce = 4 * kMiB;
constexpr unsigned kMostSteps = 4;
// A free range that is worth a call of the kernel.
constexpr size_t kLeastRange = 256 * kKiB;
// What must become free after a call that could give nothing back, until the next one tries.
constexpr size_t kWorthAnotherTry = kMiB;
// How many heaps one call looks at.
constexpr unsigned kHeapsAtOnce = 16;

uint64_t TickMillis() { return g_options.decay.value / 2 + 1; }

// Longer than a processor takes to make a store seen by all others.
void AwaitStores() {
  for (int i = 0; i < 20000; ++i) __builtin_ia32_pause();
}

}  // namespace

ABSL_CONST_INIT Janitor g_janitor;

// If nobody else is at it.
template <typename Do>
void Janitor::Exclusively(Do&& work) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (pass_lock_.TryAcquire()) WorkAndRelease(work);
}

// A signal handler that comes meanwhile, on this thread, finds its heap busy, as one of the locks
// held may be that heap's. Whoever is told of a misuse may use the heap: not under the locks.
template <typename Do>
void Janitor::WorkAndRelease(Do&& work) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  bool abort;
  {
    const Busy busy;
    BeginGivingBack();
    work();
    abort = EndGivingBack();
  }
  pass_lock_.Release();
  if (abort) Abort();
}

void Janitor::Poll() {
  // In a signal handler that interrupted the allocator nobody knows what that holds; in one that
  // runs as the process ends for a misuse, the next that is found would cut it short.
  if (ABSL_PREDICT_FALSE(Busy::Now() || IsAborting())) return;
  const size_t excess = g_budget.Excess();
  if (ABSL_PREDICT_FALSE(excess != 0) &&
      g_budget.free() > futile_.load(std::memory_order_relaxed)) {
    GiveBack();
  }
  const uint64_t now = os::NowMillis();
  const uint64_t due = next_tick_.load(std::memory_order_relaxed);
  if (ABSL_PREDICT_FALSE(now >= due)) NextTick(now, due);
  if (ABSL_PREDICT_FALSE(passing_.load(std::memory_order_relaxed))) PassSome();
}

// One of the threads that come here at once does it.
void Janitor::NextTick(uint64_t now, uint64_t due) {
  const uint64_t tick = TickMillis();
  const uint64_t ticks = (now - due) / tick + 1;
  if (next_tick_.compare_exchange_strong(due, due + ticks * tick)) Advance(ticks);
}

void Janitor::Advance(uint64_t ticks) {
  const uint64_t most = PageHeader::kTickMask / 2;
  tick_.store(static_cast<uint16_t>(tick() + Min(ticks, most)), std::memory_order_relaxed);
  g_budget.Tick();
  futile_.store(0, std::memory_order_relaxed);
  passing_.store(true, std::memory_order_relaxed);
}

// The others that come meanwhile leave it to this one.
void Janitor::GiveBack() {
  Exclusively([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { GiveBackInSteps(kMostSteps); });
}

void Janitor::GiveBackInSteps(unsigned most) {
  for (unsigned i = 0; i < most; ++i) {
    const size_t excess = g_budget.Excess();
    if (excess == 0 || !GiveBackLocked(excess)) return;
  }
}

void Janitor::ThreadEnded() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (g_budget.Excess() == 0) return;
  pass_lock_.Acquire();
  WorkAndRelease([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { GiveBackInSteps(~0u); });
}

// Whether anything was. First what nobody's heap has, then what heaps have, which the supply then
// has. Whoever has more than a step's work stays in turn.
bool Janitor::GiveBackLocked(size_t excess) {
  // What is short yet may become one with what comes free beside it, unless there is too much.
  const size_t least = excess > g_budget.Most() ? kOsPage : kLeastRange;
  excess = Min(excess, kMostAtOnce);
  size_t given = g_page_supply.Purge(excess, least);
  const HeapId highest = g_registry.HighestId();
  HeapId looked_at = 0;
  // A handler that finds its heap busy needs the shared one.
  const Heap* const shared = g_registry.SharedHeap();
  for (unsigned asked = 0; given < excess && asked < kHeapsAtOnce && looked_at < highest;) {
    if (next_giver_ > highest) next_giver_ = 1;
    Heap* const heap = g_heaps[next_giver_];
    const bool may_give = heap != nullptr && heap != shared && heap->MayGiveBack();
    const size_t more = may_give ? heap->TryGiveBack(excess - given) : 0;
    given += more;
    asked += may_give ? 1 : 0;
    if (given < excess) ++next_giver_, ++looked_at;
  }
  if (given != 0) {
    g_page_supply.Purge(Min(excess, g_budget.Excess()), least);
    ReleaseIfShort();
  } else if (looked_at >= highest) {
    futile_.store(g_budget.free() + kWorthAnotherTry, std::memory_order_relaxed);
  }
  return given != 0;
}

// Where the system has refused address space, what is free is wanted for other things: stacks,
// threads, libraries.
void Janitor::ReleaseIfShort() {
  if (ABSL_PREDICT_FALSE(g_budget.IsShort())) g_page_supply.ReleaseChunks();
}

void Janitor::PassSome() {
  Exclusively([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (PassSomeLocked()) passing_.store(false, std::memory_order_relaxed);
  });
}

// Whether the pass is at its end.
bool Janitor::PassSomeLocked() {
  if (next_heap_ == 0) {
    next_heap_ = 1;
    more_ = false;
  }
  for (unsigned i = 0; i < kHeapsAtOnce && next_heap_ <= g_registry.HighestId(); ++i) {
    Heap* const heap = g_heaps[next_heap_];
    if (heap != nullptr && heap != g_registry.SharedHeap()) {
      const Heap::DecayResult result = heap->Decay(tick());
      if (result == Heap::DecayResult::kUnfinished) return false;
      more_ |= result == Heap::DecayResult::kLater;
    }
    if (++next_heap_ > g_registry.HighestId()) left_of_supply_ = g_page_supply.BeginDecay();
  }
  if (next_heap_ <= g_registry.HighestId()) return false;
  if (left_of_supply_ != 0) {
    const size_t step = Min(left_of_supply_, kMostAtOnce);
    const size_t given = g_page_supply.Purge(step);
    left_of_supply_ = given < step ? 0 : left_of_supply_ - step;
    if (left_of_supply_ != 0) return false;
  }
  ReleaseIfShort();
  g_page_supply.WatchDensity();
  more_ |= g_page_supply.DirtyBytes() != 0;
  more_ |= g_large_blocks.Decay();
  next_heap_ = 0;
  return true;
}

bool Janitor::PassAllLocked() {
  g_registry.FlushOwn();
  const HeapId highest = g_registry.HighestId();
  for (HeapId id = 1; id <= highest; ++id) g_heaps[id]->GuardMagazines();
  AwaitStores();
  for (HeapId id = 1; id <= highest; ++id) g_heaps[id]->DecayAll();
  const bool large = g_large_blocks.PurgeAll();
  return g_page_supply.PurgeAll() || large;
}

bool Janitor::Reclaim() {
  g_budget.BeShort();
  const auto free_bytes = [] { return g_budget.free() + g_page_supply.FreeBytes(); };
  const size_t before = free_bytes();
  const size_t known = unreclaimable_.load(std::memory_order_relaxed);
  if (before <= known) {
    unreclaimable_.store(before, std::memory_order_relaxed);
    return false;
  }
  Pass(/*all=*/true);
  g_page_supply.ReleaseChunks();
  unreclaimable_.store(free_bytes(), std::memory_order_relaxed);
  return true;
}

bool Janitor::Pass(bool all) {
  bool more = false;
  bool abort;
  {
    LockHolder holder(pass_lock_);
    BeginGivingBack();
    if (all) {
      more = PassAllLocked();
    } else {
      Advance(1);
      while (!PassSomeLocked()) {
      }
      passing_.store(false, std::memory_order_relaxed);
      more = more_;
    }
    abort = EndGivingBack();
  }
  if (abort) Abort();
  return more;
}

}  // namespace mymalloc
