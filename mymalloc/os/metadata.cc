#include "mymalloc/os/metadata.h"

#include "mymalloc/base/units.h"
#include "mymalloc/os/arena.h"
#include "mymalloc/os/memory.h"

namespace mymalloc::os {
namespace {

constexpr size_t kFirstChunk = 64 * kKiB;
constexpr size_t kLargestChunk = kMiB;
constexpr size_t kAlignment = 64;

Lock g_lock;
uintptr_t g_next ABSL_GUARDED_BY(g_lock) = 0;
uintptr_t g_end ABSL_GUARDED_BY(g_lock) = 0;
size_t g_mapped ABSL_GUARDED_BY(g_lock) = 0;

// Chunks grow with what is in use, so that a small process pays for a small one.
bool Refill(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(g_lock) {
  const size_t chunk = RoundUp(Max(bytes, Min(Max(kFirstChunk, g_mapped), kLargestChunk)), kOsPage);
  uintptr_t begin = Map(chunk);
  if (begin == 0) begin = g_arena.TakeSpare(chunk);
  if (begin == 0) return false;
  g_next = begin;
  g_end = begin + chunk;
  g_mapped += chunk;
  return true;
}

}  // namespace

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

Lock& MetadataLock() { return g_lock; }

}  // namespace mymalloc::os
