#include "mymalloc/os/memory.h"

#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include <atomic>

#include "mymalloc/base/probe.h"
#include "mymalloc/base/syscall.h"
#include "mymalloc/os/onlooker.h"

#if !defined(MADV_POPULATE_WRITE)  // not in the headers of older systems
#define MADV_POPULATE_WRITE 23
#endif
#if !defined(MADV_COLLAPSE)
#define MADV_COLLAPSE 25
#endif
#if !defined(PR_SET_VMA)
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

namespace mymalloc::os {
namespace {

std::atomic<uint64_t> g_maps{0};
std::atomic<uint64_t> g_unmaps{0};
std::atomic<uint64_t> g_purges{0};

void Count(std::atomic<uint64_t>* calls) { calls->fetch_add(1, std::memory_order_relaxed); }

std::atomic<bool> g_names{false};

// What the kernel refuses has no name.
void Name(long begin, size_t bytes, const char* name) {
  if (!g_names.load(std::memory_order_relaxed)) return;
  Syscall(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, begin, static_cast<long>(bytes),
          reinterpret_cast<long>(name));
}

uintptr_t MapWith(const char* name, size_t bytes, int protection, int flags, uintptr_t wanted = 0) {
  Count(&g_maps);
  const long result = Syscall(SYS_mmap, static_cast<long>(wanted), static_cast<long>(bytes),
                              protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  if (IsError(result)) return 0;
  MYMALLOC_PROBE(grow, result, bytes);
  Name(result, bytes, name);
  return static_cast<uintptr_t>(result);
}

// What the kernel says of a call that begins with an address and a length.
long Call(long number, Interval range, long a = 0, long b = 0) {
  return Syscall(number, static_cast<long>(range.begin), static_cast<long>(range.length()), a, b);
}

std::atomic<size_t> g_released{0};

bool Released(long result, Interval range) {
  if (IsError(result)) return false;
  g_released.fetch_add(range.length(), std::memory_order_relaxed);
  return true;
}

}  // namespace

Calls CallsSoFar() {
  return {g_maps.load(std::memory_order_relaxed), g_unmaps.load(std::memory_order_relaxed),
          g_purges.load(std::memory_order_relaxed)};
}

void NameMappings() { g_names.store(true, std::memory_order_relaxed); }

size_t ReleasedBytes() { return g_released.load(std::memory_order_relaxed); }

uintptr_t Map(size_t bytes) { return MapWith("mymalloc: large", bytes, PROT_READ | PROT_WRITE, 0); }

uintptr_t MapLazily(size_t bytes, uintptr_t wanted) {
  return MapWith("mymalloc: chunk", bytes, PROT_READ | PROT_WRITE, MAP_NORESERVE, wanted);
}

uintptr_t Reserve(size_t bytes, uintptr_t wanted) {
  return MapWith("mymalloc: metadata", bytes, PROT_NONE, MAP_NORESERVE, wanted);
}

bool Commit(Interval range) { return !IsError(Call(SYS_mprotect, range, PROT_READ | PROT_WRITE)); }

bool Protect(Interval range) {
  return Onlooker::MayHide() && !IsError(Call(SYS_mprotect, range, PROT_NONE));
}

// Not by a new mapping: that would not be one with its neighbours when it can be touched again.
bool Seal(Interval range) {
  if (!Protect(range)) return false;
  Purge(range);
  return true;
}

bool Unmap(Interval range) {
  Count(&g_unmaps);
  return Released(Call(SYS_munmap, range), range);
}

bool Purge(Interval range) {
  MYMALLOC_PROBE(purge, range.begin, range.length());
  Count(&g_purges);
  return Released(Call(SYS_madvise, range, MADV_DONTNEED), range);
}

// Linux before 5.14 does not know of it, and a sandbox may refuse it: after that nobody asks again.
bool Populate(Interval range) {
  static std::atomic<bool> refused{false};
  if (refused.load(std::memory_order_relaxed)) return false;
  const bool done = !IsError(Call(SYS_madvise, range, MADV_POPULATE_WRITE));
  if (!done) refused.store(true, std::memory_order_relaxed);
  return done;
}

uintptr_t Remap(Interval range, size_t bytes, bool may_move) {
  const long result =
      Call(SYS_mremap, range, static_cast<long>(bytes), may_move ? MREMAP_MAYMOVE : 0);
  return IsError(result) ? 0 : static_cast<uintptr_t>(result);
}

void AllowHugePages(Interval range, bool allowed) {
  Call(SYS_madvise, range, allowed ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

bool PutIntoCores(Interval range, bool put) {
  return !IsError(Call(SYS_madvise, range, put ? MADV_DODUMP : MADV_DONTDUMP));
}

bool MakeHuge(uintptr_t begin) {
  const long result = Call(SYS_madvise, Interval::From(begin, kHugePage), MADV_COLLAPSE);
  return result != -ENOMEM && result != -EBUSY && result != -EAGAIN;
}

// libc asks the kernel's own code in this process, the vDSO, if there is any.
uint64_t NowMillis() {
  enum Vdso : char { kUnknown, kNone, kThere };
  static std::atomic<Vdso> vdso{kUnknown};  // threads that ask at once find the same
  if (vdso.load(std::memory_order_relaxed) == kUnknown) {
    vdso.store(getauxval(AT_SYSINFO_EHDR) != 0 ? kThere : kNone, std::memory_order_relaxed);
  }
  timespec now{};
  if (vdso.load(std::memory_order_relaxed) == kThere) clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000;
}

}  // namespace mymalloc::os
