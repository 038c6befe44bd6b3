// What a program may ask of its heap: the questions of mymalloc.h by their names.

#define MYMALLOC_LINKED

#include <string.h>
#include <unistd.h>

#include "mymalloc/answer/find.h"
#include "mymalloc/answer/print_heap.h"
#include "mymalloc/answer/should_move.h"
#include "mymalloc/answer/snapshot.h"
#include "mymalloc/answer/stats.h"
#include "mymalloc/mymalloc.h"
#include "mymalloc/override/introspection.h"
#include "mymalloc/process/attach.h"
#include "mymalloc/process/janitor.h"
#include "mymalloc/report/statistics.h"
#include "mymalloc/report/verify.h"
#include "mymalloc/supply/budget.h"

#define MYMALLOC_API extern "C" __attribute__((visibility("default")))

using mymalloc::PrintedStats;

namespace {

int Result(bool done) { return done ? 0 : -1; }

uintptr_t ToAddress(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

}  // namespace

MYMALLOC_API int mymalloc_find(const void* address, mymalloc_info* info) noexcept {
  return Result(mymalloc::FindAddress(ToAddress(address), info));
}

MYMALLOC_API mymalloc_range mymalloc_check_range(const void* pointer, size_t n) noexcept {
  return mymalloc::CheckRange(ToAddress(pointer), n);
}

MYMALLOC_API int mymalloc_stats(struct mymalloc_statistics* stats) noexcept {
  const mymalloc::Census census;
  if (!census.taken()) return -1;
  struct mymalloc_statistics all = mymalloc::StatsOf(census);
  all.struct_size = stats->struct_size;
  memcpy(stats, &all, mymalloc::Min(stats->struct_size, sizeof(all)));
  return 0;
}

MYMALLOC_API size_t mymalloc_stats_classes(mymalloc_class_stats* classes,
                                           size_t capacity) noexcept {
  const mymalloc::Census census;
  if (!census.taken()) return 0;
  for (const mymalloc::SizeClass c : mymalloc::EachPageClass()) {
    if (c.value() < capacity) classes[c.value()] = mymalloc::StatsOf(census, c);
  }
  return mymalloc::kPageClasses;
}

MYMALLOC_API int mymalloc_stats_text(int fd) noexcept {
  return Result(mymalloc::PrintStats(fd, PrintedStats::kText));
}

MYMALLOC_API int mymalloc_stats_json(int fd) noexcept {
  return Result(mymalloc::PrintStats(fd, PrintedStats::kJson));
}

MYMALLOC_API int mymalloc_stats_prometheus(int fd) noexcept {
  return Result(mymalloc::PrintStats(fd, PrintedStats::kPrometheus));
}

MYMALLOC_API struct mymalloc_thread_counts* mymalloc_count_thread() noexcept {
  using Counts = mymalloc::ThreadCounts;
  using Told = mymalloc_thread_counts;
  static_assert(sizeof(Counts) == sizeof(Told) && offsetof(Counts, peak) == offsetof(Told, peak) &&
                offsetof(Counts, deallocated) == offsetof(Told, deallocated));
  mymalloc::EnsureHeap();
  if (!mymalloc::Busy::Now()) mymalloc::CountThread();
  return reinterpret_cast<Told*>(&mymalloc::t_counts);
}

MYMALLOC_API int mymalloc_walk(mymalloc_walk_callback callback, void* argument) noexcept {
  const mymalloc::Snapshot snapshot;
  if (!snapshot.taken()) return -1;
  int result = 0;
  snapshot.ForEachBlock([&](const mymalloc_info& block) {
    result = callback(&block, argument);
    return result == 0;
  });
  return result;
}

MYMALLOC_API int mymalloc_print_heap(int fd) noexcept { return Result(mymalloc::PrintHeap(fd)); }

MYMALLOC_API void print_mem_heap() noexcept { mymalloc::PrintHeap(STDERR_FILENO); }

MYMALLOC_API int mymalloc_purge() noexcept { return mymalloc::api::MallocTrim(0); }

// The first question may come before the first malloc, which would read the options.
MYMALLOC_API void mymalloc_set_soft_limit(size_t bytes) noexcept {
  mymalloc::EnsureHeap();
  mymalloc::g_budget.SetSoftLimit(bytes);
  mymalloc::g_janitor.Poll();
}

MYMALLOC_API void mymalloc_set_hard_limit(size_t bytes) noexcept {
  mymalloc::EnsureHeap();
  mymalloc::g_budget.SetHardLimit(bytes);
}

MYMALLOC_API const char* mymalloc_verify() noexcept { return mymalloc::VerifyHeap(); }

MYMALLOC_API int mymalloc_should_move(const void* pointer) noexcept {
  return mymalloc::ShouldMove(ToAddress(pointer)) ? 1 : 0;
}
