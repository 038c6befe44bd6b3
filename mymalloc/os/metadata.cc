#include "mymalloc/os/metadata.h"

#include <atomic>

#include "mymalloc/base/units.h"
#include "mymalloc/os/memory.h"

namespace mymalloc::os {
namespace {

// Ranges grow with what is in use, and only what is touched costs anything but address space.
constexpr size_t kFirstRange = 256 * kKiB;
constexpr size_t kLargestRange = 16 * kMiB;
constexpr size_t kAlignment = 64;
constexpr size_t kGuard = 4 * KernelPage();

Lock g_lock MYMALLOC_LOCK(kMetadata);
uintptr_t g_next ABSL_GUARDED_BY(g_lock) = 0;
uintptr_t g_end ABSL_GUARDED_BY(g_lock) = 0;
size_t g_mapped ABSL_GUARDED_BY(g_lock) = 0;
uint64_t g_random ABSL_GUARDED_BY(g_lock) = 0;

Interval InnerOf(const MetadataRange& range) {
  return Interval::From(reinterpret_cast<uintptr_t>(&range), range.bytes);
}
bool HoldsWithGuards(const MetadataRange& range, uintptr_t address) {
  const Interval inner = InnerOf(range);
  return Interval{inner.begin - kGuard, inner.end + kGuard}.Contains(address);
}

// Somewhere in the 64 GiB below this library, and what the kernel maps beside it: one of 16 million
// places, but near enough to share the upper levels of the page tables, which a short process pays
// for.
uintptr_t RandomPlace() ABSL_EXCLUSIVE_LOCKS_REQUIRED(g_lock) {
#if defined(MYMALLOC_SANITIZED)
  return 0;  // the sanitizers' shadow is there
#endif
  constexpr uintptr_t kDistance = kGiB;
  constexpr uintptr_t kPlaces = 64 * kGiB;
  const uintptr_t here = reinterpret_cast<uintptr_t>(&g_lock);
  if (g_random == 0 || here < 2 * kPlaces) return 0;
  g_random = g_random * 6364136223846793005 + 1442695040888963407;
  return RoundDown(here - kDistance - (g_random >> 16) % kPlaces, KernelPage());
}

// 0 when the system has none.
uintptr_t MapApart(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(g_lock) {
  const size_t with_guards = bytes + 2 * kGuard;
  const uintptr_t begin = Reserve(with_guards, RandomPlace());
  if (begin == 0) return 0;
  const Interval whole = Interval::From(begin, with_guards);
  if (Commit(Interval::From(begin + kGuard, bytes))) {
    if (bytes >= 2 * kMiB) AllowHugePages(whole, false);
    return begin + kGuard;
  }
  Unmap(whole);
  return 0;
}

bool Refill(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(g_lock) {
  const size_t least = RoundUp(bytes + sizeof(MetadataRange), KernelPage());
  size_t range = Max(least, Min(Max(kFirstRange, g_mapped), kLargestRange));
  uintptr_t begin = MapApart(range);
  if (begin == 0 && range > least) begin = MapApart(range = least);
  if (begin == 0) return false;
  auto* const header = reinterpret_cast<MetadataRange*>(begin);
  *header = {g_metadata_ranges.load(std::memory_order_relaxed), range};
  g_metadata_ranges.store(header, std::memory_order_release);
  g_next = begin + sizeof(MetadataRange);
  g_end = begin + range;
  g_mapped += range;
  return true;
}

}  // namespace

std::atomic<const MetadataRange*> g_metadata_ranges{nullptr};

void SetMetadataRandom(uint64_t random) {
  LockHolder holder(g_lock);
  g_random = random | 1;
}

void* AllocateMetadata(size_t bytes) {
  bytes = RoundUp(bytes, kAlignment);
  LockHolder holder(g_lock);
  if (g_end - g_next < bytes && !Refill(bytes)) return nullptr;
  void* block = reinterpret_cast<void*>(g_next);
  g_next += bytes;
  return block;
}

size_t MetadataBytes() {
  LockHolder holder(g_lock);
  return g_mapped;
}

bool FindMetadata(uintptr_t address, Interval* range, bool* guard) {
  const MetadataRange* at = g_metadata_ranges.load(std::memory_order_acquire);
  while (at != nullptr && !HoldsWithGuards(*at, address)) at = at->before;
  if (at == nullptr) return false;
  const Interval inner = InnerOf(*at);
  *guard = !inner.Contains(address);
  *range = address < inner.begin  ? Interval::From(inner.begin - kGuard, kGuard)
           : address >= inner.end ? Interval::From(inner.end, kGuard)
                                  : inner;
  return true;
}

Lock& MetadataLock() { return g_lock; }

}  // namespace mymalloc::os
