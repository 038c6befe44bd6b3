#include "mymalloc/process/attach.h"

#include <pthread.h>
#include <sys/auxv.h>

#include "mymalloc/base/options.h"
#include "mymalloc/fault/fault.h"
#include "mymalloc/os/chunks.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/os/metadata.h"
#include "mymalloc/os/process_memory.h"
#include "mymalloc/process/janitor.h"
#include "mymalloc/process/registry.h"
#include "mymalloc/supply/budget.h"
#include "mymalloc/supply/guard_budget.h"
#include "mymalloc/supply/page_supply.h"

namespace mymalloc {
namespace {

bool g_has_exit_key;
pthread_key_t g_exit_key;

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

void ThreadExits(void* heap) {
  SetOwnHeap(nullptr);
  static_cast<Heap*>(heap)->Settle();
  g_registry.Park(static_cast<Heap*>(heap));
  g_janitor.ThreadEnded();
}

uint64_t BytesOf(MemoryLimit limit) {
  constexpr uint64_t kWhole = 100;
  return limit.percent == 0 ? limit.bytes : os::MemoryOfProcess() / kWhole * limit.percent;
}

void StartProcess() {
  if (getauxval(AT_PAGESZ) != KernelPage()) {
    Die("this system's page size is not 4096 bytes, for which mymalloc is built");
  }
  ReadOptions();
  MakeSecret();
  const Options& o = g_options;
  if (o.name_mappings) os::NameMappings();
  g_budget.SetLimits(BytesOf(o.soft_limit), BytesOf(o.hard_limit));
  if (g_policy.Notes()) g_tag_secret.AllowNotes();
  g_detours = g_policy.Detour();
  if (g_policy.Notes()) g_reallocs_ask_more.store(true, std::memory_order_relaxed);
  os::g_chunks.Init(os::AddressSpaceIsScarce(), /*tags_readable=*/!g_policy.TreeFirst());
  if (o.guard_pages) GuardBudget::ReadLimit();
  if (o.huge_pages == HugePages::kAlways) os::g_chunks.AllowHugePages(true);
  if (o.huge_pages == HugePages::kAuto) g_page_supply.MayMakeHuge(os::HugePagesAreThere());
  for (Heap& heap : g_bare_heaps.heaps) heap.Init(Tag::kNobody);
  g_has_exit_key = pthread_key_create(&g_exit_key, &ThreadExits) == 0;
}

}  // namespace

void Attach() {
  Heap* const heap = g_registry.TakeHeap(&StartProcess);
  if (heap == nullptr) return;
  SetOwnHeap(heap);
  // May allocate, from the heap that this thread has now.
  if (g_has_exit_key) pthread_setspecific(g_exit_key, heap);
}

}  // namespace mymalloc
