#include "mymalloc/process/janitor.h"

#include "absl/base/attributes.h"
#include "mymalloc/base/options.h"
#include "mymalloc/fault/abort.h"
#include "mymalloc/fault/fault.h"
#include "mymalloc/heap/heap.h"
#include "mymalloc/large/large.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/process/registry.h"
#include "mymalloc/process/thread.h"
#include "mymalloc/supply/page_supply.h"
#include "mymalloc/supply/tick.h"

namespace mymalloc {
namespace {

// A free range that is worth a call of the kernel.
constexpr size_t kLeastRange = 64 * kKiB;
// What must become free after a call that could give nothing back, until the next one tries.
constexpr size_t kWorthAnotherTry = 128 * kKiB;
// After so many ticks the budget is at its least.
constexpr uint64_t kMostTicksAtOnce = 64;
// After a time without calls one call does so many steps.
constexpr uint64_t kMostStepsAtOnce = 4;
// A call gives back twice what it has freed, of which no more than this counts: or it would take
// too long.
constexpr size_t kMostPaidFor = 2 * kMiB;
// How many heaps one call looks at.
constexpr unsigned kHeapsAtOnce = 16;

uint64_t TickMillis() { return g_options.decay.value / 2 + 1; }

void FlushOwn() {
  Heap* const own = OwnHeap();
  if (own == nullptr) return;
  const Busy busy;
  own->Flush();
}

// Longer than a processor takes to make a store seen by all others.
void AwaitStores() {
  for (int i = 0; i < 20000; ++i) SpinPause();
}

}  // namespace

ABSL_CONST_INIT Janitor g_janitor;

// A signal handler that comes meanwhile, on this thread, finds its heap busy, as one of the locks
// held may be that heap's. Whoever is told of a misuse may use the heap: not under the locks.
template <typename Do>
void Janitor::WorkAndRelease(Lock& lock, Do&& work) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  bool abort;
  {
    const Busy busy;
    BeginGivingBack();
    work();
    abort = EndGivingBack();
  }
  lock.Release();
  if (abort) Abort();
}

bool Janitor::Poll(size_t freed) {
  // In a signal handler that interrupted the allocator nobody knows what that holds; in one that
  // runs as the process ends for a misuse, the next that is found would cut it short.
  if (ABSL_PREDICT_FALSE(Busy::Now() || IsAborting())) return false;
  if (ABSL_PREDICT_FALSE(deferred_.load(std::memory_order_relaxed) != nullptr)) DoDeferred();
  const uint64_t now = os::NowMillis();
  const uint64_t due = next_tick_.load(std::memory_order_relaxed);
  const uint64_t ticks = ABSL_PREDICT_FALSE(now >= due) ? NextTick(now, due) : 0;
  // Who comes after a time without calls does the steps of that time.
  const uint64_t steps = Max<uint64_t>(1, Min(ticks, kMostStepsAtOnce));
  Step step(steps * Step::kUsual + 2 * Min(freed, kMostPaidFor) / KernelPage());
  const bool too_much = TooMuchIsFree();
  if (ABSL_PREDICT_FALSE(too_much)) GiveBack(&step);
  const auto passing = [this] { return passing_.load(std::memory_order_relaxed); };
  if (ABSL_PREDICT_FALSE(passing()) && !step.IsOver()) PassSome(OwnHeap(), &step);
  if (ABSL_PREDICT_FALSE(g_page_supply.HasToMakeHuge()) && !step.IsOver()) MakeHugeSome(&step);
  const bool more = ABSL_PREDICT_FALSE(too_much) && TooMuchIsFree();
  if (ABSL_PREDICT_FALSE(step.IsOver()) && (more || passing())) ComeAgainSoon();
  return more;
}

void Janitor::DoDeferred() {
  void (*const work)() = deferred_.exchange(nullptr, std::memory_order_relaxed);
  if (work != nullptr) work();
}

// A thread whose magazines hold what it wants would not come to a slow way for long.
void Janitor::ComeAgainSoon() {
  Heap* const own = OwnHeap();
  if (own == nullptr) return;
  const Busy busy;
  own->ComeAgainSoon();
}

bool Janitor::TooMuchIsFree() const {
  if (ABSL_PREDICT_TRUE(!g_budget.IsExceeded())) return false;
  if (g_budget.Excess() == 0) {
    g_budget.NoteNotExceeded();
    return false;
  }
  return g_budget.free() > futile_.load(std::memory_order_relaxed);
}

// One of the threads that come here at once does it. Returns how many have passed, to that one.
uint64_t Janitor::NextTick(uint64_t now, uint64_t due) {
  const uint64_t tick = TickMillis();
  const uint64_t ticks = (now - due) / tick + 1;
  if (!next_tick_.compare_exchange_strong(due, due + ticks * tick)) return 0;
  Advance(ticks);
  return ticks;
}

void Janitor::Advance(uint64_t ticks) {
  const uint64_t most = PageHeader::kTickMask / 2;
  g_tick.store(static_cast<uint16_t>(CurrentTick() + Min(ticks, most)), std::memory_order_relaxed);
  for (uint64_t i = Min(ticks, kMostTicksAtOnce); i > 0; --i) g_budget.Tick();
  futile_.store(0, std::memory_order_relaxed);
  passing_.store(true, std::memory_order_relaxed);
}

// If enough others are at it, it is left to them.
void Janitor::GiveBack(Step* step) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const uintptr_t own = ThreadPointer() / KernelPage();
  for (unsigned i = 0; i < kGivers; ++i) {
    Lock& lock = givers_[(own + i) % kGivers].lock;
    if (!lock.TryAcquire()) continue;
    return WorkAndRelease(lock, [this, step] { GiveBackAStep(step); });
  }
}

void Janitor::ThreadEnded() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (g_budget.Excess() == 0) return;
  Lock& lock = givers_[ThreadPointer() / KernelPage() % kGivers].lock;
  lock.Acquire();
  WorkAndRelease(lock, [this] {
    for (bool given = true; given;) {
      Step step;
      given = GiveBackAStep(&step);
    }
  });
}

// Whether anything was. First what no heap has, then what heaps have, which the supply then has. A
// heap that has more than a step's work keeps its turn.
bool Janitor::GiveBackAStep(Step* step) {
  const size_t excess = g_budget.Excess();
  if (excess == 0) return false;
  // What is still short may become one with what comes free beside it, unless far too much is free.
  const size_t least = g_budget.IsFarExceeded() ? KernelPage() : kLeastRange;
  size_t given = g_page_supply.Purge(excess, least, step);
  const HeapId highest = g_registry.HighestId();
  unsigned looked_at = 0;
  // A handler that finds its heap busy needs the shared one.
  const Heap* const shared = g_registry.SharedHeap();
  bool busy = false;
  const auto enough = [&] { return given >= excess || step->IsOver(); };
  for (unsigned asked = 0; !enough() && asked < kHeapsAtOnce && looked_at < highest.value();) {
    HeapId id = next_giver_.load(std::memory_order_relaxed);
    if (id > highest) id = kFirstHeap;
    Heap* const heap = g_heaps[id];
    const bool may_give = heap != nullptr && heap != shared && heap->MayGiveBack();
    const size_t more = may_give ? heap->TryGiveBack(excess - given, step) : 0;
    if (more == Heap::kBusy) {
      busy = true;
    } else {
      given += more;
    }
    asked += may_give ? 1 : 0;
    if (enough()) break;
    next_giver_.store(id + 1, std::memory_order_relaxed);
    ++looked_at;
  }
  if (given != 0) {
    futile_.store(0, std::memory_order_relaxed);
    g_page_supply.Purge(Min(excess, g_budget.Excess()), least, step);
    ReleaseIfShort();
  } else if (looked_at >= highest.value() && !busy) {
    futile_.store(g_budget.free() + kWorthAnotherTry, std::memory_order_relaxed);
  }
  return given != 0;
}

// Where the system has refused address space, what is free is wanted for other things: stacks,
// threads, libraries.
void Janitor::ReleaseIfShort() {
  if (ABSL_PREDICT_FALSE(g_budget.IsShort())) g_page_supply.ReleaseChunks();
}

void Janitor::PassSome(const Heap* own, Step* step) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (!pass_lock_.TryAcquire()) return;
  WorkAndRelease(pass_lock_, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (PassSomeLocked(own, step)) passing_.store(false, std::memory_order_relaxed);
  });
}

void Janitor::MakeHugeSome(Step* step) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (!pass_lock_.TryAcquire()) return;
  WorkAndRelease(pass_lock_, [step] { g_page_supply.MakeHuge(step); });
}

// Whether the pass is at its end. `own`: the heap of the calling thread.
bool Janitor::PassSomeLocked(const Heap* own, Step* step) {
  if (next_heap_ == Tag::kNobody) {
    next_heap_ = kFirstHeap;
    more_ = false;
    g_large_blocks.Tick();
  }
  for (unsigned i = 0; i < kHeapsAtOnce && next_heap_ <= g_registry.HighestId(); ++i) {
    Heap* const heap = g_heaps[next_heap_];
    if (heap != nullptr && heap != g_registry.SharedHeap()) {
      const Heap::DecayResult result = heap->Decay(CurrentTick(), heap == own, step);
      if (result == Heap::DecayResult::kUnfinished) return false;
      more_ |= result == Heap::DecayResult::kLater;
    }
    if (++next_heap_ > g_registry.HighestId()) left_of_supply_ = g_page_supply.BeginDecay();
    if (step->IsOver()) break;
  }
  if (next_heap_ <= g_registry.HighestId()) return false;
  if (left_of_supply_ != 0) {
    const size_t given = g_page_supply.Purge(left_of_supply_, KernelPage(), step);
    left_of_supply_ = step->IsOver() ? left_of_supply_ - Min(given, left_of_supply_) : 0;
    if (left_of_supply_ != 0) return false;
  }
  if (!g_large_blocks.GiveBackHeld(/*all=*/false, step)) return false;
  ReleaseIfShort();
  g_page_supply.WatchDensity();
  more_ |= g_page_supply.DirtyBytes() != 0 || g_large_blocks.Bytes() != 0;
  next_heap_ = Tag::kNobody;
  return true;
}

bool Janitor::PassLocked(const Heap* own) {
  Advance(1);
  for (bool done = false; !done;) {
    Step step;
    done = PassSomeLocked(own, &step);
  }
  passing_.store(false, std::memory_order_relaxed);
  return more_;
}

bool Janitor::PassAllLocked(Heap* own) {
  if (own != nullptr) own->Flush();
  const HeapId highest = g_registry.HighestId();
  for (HeapId id = kFirstHeap; id <= highest; ++id) g_heaps[id]->RaiseFloors();
  // With the heap of one thread and the shared one there is nobody to wait for.
  if (own == nullptr || highest.value() > 2) AwaitStores();
  for (HeapId id = kFirstHeap; id <= highest; ++id) g_heaps[id]->TakeHeld();
  for (HeapId id = kFirstHeap; id <= highest; ++id) g_heaps[id]->DecayAll();
  const bool large = g_large_blocks.Bytes() != 0;
  Step unlimited(Step::kUnlimited);
  g_large_blocks.GiveBackHeld(/*all=*/true, &unlimited);
  return g_page_supply.PurgeAll() || large;
}

// Also what is too little to be told by itself.
void Janitor::TellOfAllHeaps() {
  const Busy busy;
  const HeapId highest = g_registry.HighestId();
  for (HeapId id = kFirstHeap; id <= highest; ++id) {
    if (g_heaps[id] != g_registry.SharedHeap()) g_heaps[id]->TellBudget();
  }
}

bool Janitor::Reclaim() {
  if (Busy::Now()) return false;
  g_budget.BeShort();
  FlushOwn();
  if (g_budget.freed() == reclaimed_at_.load(std::memory_order_relaxed)) TellOfAllHeaps();
  const uint64_t freed = g_budget.freed();
  if (reclaimed_at_.exchange(freed, std::memory_order_relaxed) == freed) return false;
  Pass(/*all=*/true);
  g_page_supply.ReleaseChunks();
  return true;
}

bool Janitor::Pass(bool all) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Heap* const own = OwnHeap();  // none while the thread is Busy
  bool more = false;
  pass_lock_.Acquire();
  WorkAndRelease(pass_lock_, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    more = all ? PassAllLocked(own) : PassLocked(own);
  });
  return more;
}

}  // namespace mymalloc
