#include "mymalloc/os/arena.h"

#include <sys/resource.h>

#include "mymalloc/base/syscall.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/os/setting.h"

namespace mymalloc::os {
namespace {

// Costs nothing but address space, of which there are 128 TiB.
#if defined(MYMALLOC_SANITIZED)
constexpr size_t kReservation = 64 * kGiB;  // beside the sanitizers' shadow there is less room
#else
constexpr size_t kReservation = 1024 * kGiB;
#endif
constexpr size_t kSmallestReservation = 64 * kMiB;
constexpr size_t kConstrainedReservation = 32 * kMiB;
constexpr size_t kSpareShare = 16;
constexpr size_t kConstrainedStep = 256 * kKiB;
constexpr size_t kChunk = 4 * kMiB;
// The arena grows by an eighth of what it has, between these: few calls, little ahead of need.
constexpr size_t kSmallestStep = kMiB;
constexpr size_t kLargestStep = 256 * kMiB;

rlim_t LimitOn(int resource) {
  rlimit limit{};
  const long result = Syscall(SYS_prlimit64, 0, resource, 0, reinterpret_cast<long>(&limit));
  return IsError(result) ? RLIM_INFINITY : limit.rlim_cur;
}

// vm.overcommit_memory = 2: every usable byte counts, touched or not.
bool OvercommitIsStrict() { return ReadSetting("/proc/sys/vm/overcommit_memory", 0) == 2; }

}  // namespace

Arena g_arena;
uintptr_t g_arena_base = 0;
std::atomic<uint64_t> g_arena_granules{0};

bool AddressSpaceIsLimited() { return LimitOn(RLIMIT_AS) != RLIM_INFINITY; }

bool AddressSpaceIsScarce() {
  return AddressSpaceIsLimited() || LimitOn(RLIMIT_DATA) != RLIM_INFINITY || OvercommitIsStrict();
}

void Arena::Init(bool constrained, bool tags_readable) {
  constrained_ = constrained;
  tags_readable_ = tags_readable;
  size_t bytes = constrained ? kConstrainedReservation : kReservation;
  uintptr_t begin = Reserve(bytes);
  while (begin == 0 && bytes > kSmallestReservation) {
    bytes /= 4;
    begin = Reserve(bytes);
  }
  // Without any reservation every page is a chunk's.
  if (begin == 0) return;
  if (!Commit(begin, kOsPage)) {
    Unmap(begin, bytes);
    return;
  }
  g_arena_base = begin + kOsPage;
  reservation_ = g_arena_base;
  spare_end_ = begin + bytes;
  spare_ = spare_end_ - (constrained ? 0 : RoundUp(bytes / kSpareShare, kOsPage));
  reserved_ = spare_ - reservation_;
}

uintptr_t Arena::TakeSpare(size_t bytes) {
  const uintptr_t begin = spare_;
  if (bytes > spare_end_ - begin || !Commit(begin, bytes)) return 0;
  spare_ = begin + bytes;
  spare_taken_ += bytes;
  return begin;
}

uintptr_t Arena::Grow(size_t bytes, size_t* granted) {
  const uintptr_t here = GrowHere(bytes, granted);
  return here != 0 ? here : GrowElsewhere(bytes, granted);
}

// The kernel counts the whole reservation: it holds nobody to a limit on address space here.
size_t Arena::MostHere() const { return Min<rlim_t>(LimitOn(RLIMIT_AS), reserved_); }

uintptr_t Arena::GrowHere(size_t bytes, size_t* granted) {
  const size_t committed = committed_;
  const size_t most = MostHere();
  if (committed > most || bytes > most - committed) return 0;
  size_t step = Min(Max(committed / 8, kSmallestStep), kLargestStep);
  if (constrained_) step = kConstrainedStep;
  step = Min(Max(bytes, RoundUp(step, kOsPage)), RoundDown(most - committed, kOsPage));
  if (!Commit(g_arena_base + committed, step)) {
    step = bytes;
    if (!Commit(g_arena_base + committed, step)) return 0;
  }
  committed_ = committed + step;
  if (tags_readable_) g_arena_granules.store(committed_ / kGranule, std::memory_order_relaxed);
  usable_bytes_.store(UsableBytes() + step, std::memory_order_relaxed);
  *granted = step;
  return g_arena_base + committed;
}

uintptr_t Arena::GrowElsewhere(size_t bytes, size_t* granted) {
  size_t step = Max(bytes, kChunk);
  uintptr_t begin = Map(step);
  if (begin == 0) {
    step = bytes;
    begin = Map(step);
    if (begin == 0) return 0;
  }
  usable_bytes_.store(UsableBytes() + step, std::memory_order_relaxed);
  *granted = step;
  return begin;
}

}  // namespace mymalloc::os
