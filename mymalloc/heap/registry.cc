#include "mymalloc/heap/registry.h"

#include <pthread.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "absl/base/attributes.h"
#include "mymalloc/base/options.h"
#include "mymalloc/fault/fault.h"
#include "mymalloc/heap/guard_budget.h"
#include "mymalloc/heap/guarded.h"
#include "mymalloc/heap/janitor.h"
#include "mymalloc/heap/large.h"
#include "mymalloc/heap/page_map.h"
#include "mymalloc/heap/page_supply.h"
#include "mymalloc/os/chunks.h"
#include "mymalloc/os/metadata.h"

namespace mymalloc {
namespace {

// nullptr: the thread has none any more.
void SetOwnHeap(Heap* own) {
  t_own_heap = own;
  Heap* const current =
      own == nullptr || g_detours ? &Registry::bare_.heaps[Registry::kDetour] : own;
  t_heap = reinterpret_cast<intptr_t>(current) - reinterpret_cast<intptr_t>(Registry::bare_.heaps);
}

uint64_t Load64(uintptr_t address) {
  uint64_t value;
  __builtin_memcpy(&value, reinterpret_cast<const void*>(address), sizeof(value));
  return value;
}

// One way, so that a tag that leaks tells nothing of libc's own secrets, made from the same bytes.
uint64_t Scramble(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// From the kernel: 16 random bytes that every process is given at its start.
void MakeSecret() {
  const uintptr_t random = getauxval(AT_RANDOM);
  if (random == 0) Die("the kernel gave this process no random bytes (AT_RANDOM)");
  const uint64_t a = Load64(random);
  const uint64_t b = Load64(random + 8);
  g_tag_secret.Set(Scramble(a ^ Scramble(b)), Scramble(b + Scramble(a)));
  os::SetMetadataRandom(Scramble(a + Scramble(~b)));
}

}  // namespace

ABSL_CONST_INIT Registry g_registry;
ABSL_CONST_INIT Registry::BareHeaps Registry::bare_;
__thread intptr_t t_heap ABSL_ATTRIBUTE_INITIAL_EXEC;
__thread Heap* t_own_heap ABSL_ATTRIBUTE_INITIAL_EXEC;
bool g_detours;

void Registry::InitProcess() {
  if (getauxval(AT_PAGESZ) != kOsPage) {
    Die("this system's page size is not 4096 bytes, for which mymalloc is built");
  }
  ReadOptions();
  MakeSecret();
  const Options& o = g_options;
  // Guard pages lie between the pages in the chunks: no tag there can be read.
  const bool tree_first = o.check_tree || o.checked || o.guard_pages;
  g_detours = tree_first || o.check_neighbours || o.random_slots || o.quarantine.value != 0 ||
              o.zero_on_free || o.sample != 0;
  os::g_chunks.Init(os::AddressSpaceIsScarce(), /*tags_readable=*/!tree_first);
  if (o.guard_pages) GuardBudget::ReadLimit();
  if (o.huge_pages == HugePages::kAlways) os::g_chunks.AllowHugePages(true);
  if (o.huge_pages == HugePages::kAuto) g_page_supply.MayMakeHuge(os::HugePagesAreThere());
  for (Heap& heap : bare_.heaps) heap.Init(0);
  has_key_ = pthread_key_create(&exit_key_, &Registry::ThreadExits) == 0;
  if (o.sample != 0) g_guarded.Init();
  process_ready_ = true;
}

void Registry::Attach() {
  Heap* const heap = TakeHeap();
  if (heap == nullptr) return;
  SetOwnHeap(heap);
  // May allocate, from the heap that this thread has now.
  if (has_key_) pthread_setspecific(exit_key_, heap);
}

Heap* Registry::TakeHeap() {
  HeapId id = TakeAtHand();
  if (id == 0) {
    LockHolder holder(lock_);
    if (!process_ready_) InitProcess();
    if (SharedHeap() == nullptr) shared_.store(CreateHeap(), std::memory_order_release);
    if (parked_count_ == 0) return CreateHeap();
    id = parked_[--parked_count_];
  }
  g_heaps[id]->set_parked(false);
  return g_heaps[id];
}

// A thread begins with the place that its thread data leads to: the next one often has the same
// stack, and then takes the heap that was used there last.
HeapId Registry::TakeAtHand() {
  for (unsigned i = 0; i < kAtHand; ++i) {
    std::atomic<HeapId>& place = AtHand(i);
    if (place.load(std::memory_order_relaxed) == 0) continue;
    if (const HeapId id = place.exchange(0, std::memory_order_acquire)) return id;
  }
  return 0;
}

bool Registry::PutAtHand(HeapId id) {
  for (unsigned i = 0; i < kAtHand; ++i) {
    HeapId none = 0;
    if (AtHand(i).compare_exchange_strong(none, id, std::memory_order_release,
                                          std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

std::atomic<HeapId>& Registry::AtHand(unsigned i) {
  return at_hand_[(ThreadPointer() / kOsPage + i) % kAtHand];
}

Heap* Registry::CreateHeap() {
  const HeapId id = highest_id_.load(std::memory_order_relaxed) + 1;
  if (id >= kMaxHeaps) return nullptr;
  Heap* const heap = static_cast<Heap*>(os::AllocateMetadata(sizeof(Heap)));
  if (heap == nullptr) return nullptr;
  heap->Init(id);
  g_budget.AddHeap();
  g_heaps[id] = heap;
  highest_id_.store(id, std::memory_order_release);
  return heap;
}

void Registry::FlushOwn() {
  Heap* const own = OwnHeap();
  if (own == nullptr) return;
  const Busy busy;
  own->Flush();
}

void Registry::Park(Heap* heap) {
  heap->set_parked(true);
  if (PutAtHand(heap->id())) return;
  LockHolder holder(lock_);
  parked_[parked_count_++] = heap->id();
}

void Registry::ThreadExits(void* heap) {
  SetOwnHeap(nullptr);
  static_cast<Heap*>(heap)->Settle();
  g_registry.Park(static_cast<Heap*>(heap));
  g_janitor.ThreadEnded();
}

// In the order in which they are taken elsewhere.
template <typename Do>
void Registry::ForEachLock(Do&& lock) {
  lock(g_janitor.pass_lock());
  for (Lock& giver : g_janitor.givers()) lock(giver);
  lock(lock_);
  for (HeapId id = 1; id <= HighestId(); ++id) lock(g_heaps[id]->lock());
  lock(g_guarded.lock());
  lock(g_large_blocks.lock());
  lock(g_page_supply.lock());
  lock(g_page_map.lock());
  lock(os::MetadataLock());
}

void Registry::Freeze() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  EnsureHeap();
  ForEachLock([](Lock& lock) ABSL_NO_THREAD_SAFETY_ANALYSIS { lock.Acquire(); });
  Lock::BeginFork();
}

void Registry::Unfreeze() {
  Lock::EndFork();
  ForEachLock([](Lock& lock) ABSL_NO_THREAD_SAFETY_ANALYSIS { lock.Release(); });
}

void Registry::AfterForkInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  // The threads that had these are not in the child. What they were doing between two instructions
  // of a fast path is at most one block that nobody has; or one was on its way to or from here.
  parked_count_ = 0;
  for (std::atomic<HeapId>& place : at_hand_) place.store(0, std::memory_order_relaxed);
  for (HeapId id = 1; id <= HighestId(); ++id) {
    Heap* const heap = g_heaps[id];
    if (heap == t_own_heap || heap == SharedHeap()) continue;
    if (!heap->parked()) heap->set_parked(true);
    parked_[parked_count_++] = id;
  }
  Unfreeze();
}

}  // namespace mymalloc
