#include "mymalloc/os/memory.h"

#include <sys/mman.h>
#include <time.h>

#include <atomic>

#include "mymalloc/base/syscall.h"

namespace mymalloc::os {
namespace {

uintptr_t MapWith(size_t bytes, int protection, int flags) {
  const long result = Syscall(SYS_mmap, 0, static_cast<long>(bytes), protection,
                              MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return IsError(result) ? 0 : static_cast<uintptr_t>(result);
}

std::atomic<size_t> g_released{0};

bool Released(long result, size_t bytes) {
  if (IsError(result)) return false;
  g_released.fetch_add(bytes, std::memory_order_relaxed);
  return true;
}

}  // namespace

size_t ReleasedBytes() { return g_released.load(std::memory_order_relaxed); }

uintptr_t Map(size_t bytes) { return MapWith(bytes, PROT_READ | PROT_WRITE, 0); }

uintptr_t Reserve(size_t bytes) { return MapWith(bytes, PROT_NONE, MAP_NORESERVE); }

bool Commit(uintptr_t begin, size_t bytes) {
  return !IsError(Syscall(SYS_mprotect, static_cast<long>(begin), static_cast<long>(bytes),
                          PROT_READ | PROT_WRITE));
}

bool Protect(uintptr_t begin, size_t bytes) {
  return !IsError(
      Syscall(SYS_mprotect, static_cast<long>(begin), static_cast<long>(bytes), PROT_NONE));
}

bool Seal(uintptr_t begin, size_t bytes) {
  return Released(Syscall(SYS_mmap, static_cast<long>(begin), static_cast<long>(bytes), PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0),
                  bytes);
}

bool Unmap(uintptr_t begin, size_t bytes) {
  return Released(Syscall(SYS_munmap, static_cast<long>(begin), static_cast<long>(bytes)), bytes);
}

bool Purge(uintptr_t begin, size_t bytes) {
  return Released(
      Syscall(SYS_madvise, static_cast<long>(begin), static_cast<long>(bytes), MADV_DONTNEED),
      bytes);
}

uintptr_t Remap(uintptr_t begin, size_t old_bytes, size_t bytes, bool may_move) {
  const long result = Syscall(SYS_mremap, static_cast<long>(begin), static_cast<long>(old_bytes),
                              static_cast<long>(bytes), may_move ? MREMAP_MAYMOVE : 0);
  return IsError(result) ? 0 : static_cast<uintptr_t>(result);
}

uint64_t NowMillis() {
  timespec now{};
  Syscall(SYS_clock_gettime, CLOCK_MONOTONIC_COARSE, reinterpret_cast<long>(&now));
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000;
}

}  // namespace mymalloc::os
