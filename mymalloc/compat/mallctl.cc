// jemalloc's mallctl, with this heap's answers: what a program asks of its allocator to show, to
// bound or to give back its memory. There is one arena. A name that has no answer here is unknown:
// ENOENT, as with a jemalloc that was built without it.

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>

#include "mymalloc/compat/figures.h"
#include "mymalloc/compat/tree.h"
#include "mymalloc/mymalloc.h"

#define MYMALLOC_API extern "C" __attribute__((visibility("default")))

namespace mymalloc::compat {
namespace {

constexpr unsigned kArenas = 1;
constexpr size_t kKernelPage = 4096;

uint64_t g_epoch = 1;

// Says that it answers as this version does, which programs compare, and who it is.
constexpr char kVersion[] = "5.3.0-0-g0 (mymalloc " MYMALLOC_VERSION ")";

int Epoch(const Exchange& x) {
  uint64_t written = 0;
  if (const int error = x.Written(&written)) return error;
  if (x.writes()) {
    Refresh();
    ++g_epoch;
  }
  return x.Read(g_epoch);
}

int Purge(const Exchange& x) {
  // The number of arenas stands for all of them, as programs from before kAll write it.
  if (x.path[1] > kArenas && x.path[1] != kAll) return EFAULT;
  if (const int error = x.NeitherReadNorWritten()) return error;
  malloc_trim(0);
  return 0;
}

int ThisThreadsArena(const Exchange& x) {
  unsigned arena = 0;
  if (const int error = x.Written(&arena)) return error;
  return arena < kArenas ? x.Read(0U) : EFAULT;
}

// The bytes that the thread has allocated and freed since it first asked; programs look at how they
// change. Without the library nobody counts.
using Counts = mymalloc_thread_counts;

Counts* CountsOfThread() {
  return mymalloc_count_thread != nullptr ? mymalloc_count_thread() : nullptr;
}

template <uint64_t Counts::*count>
int ThreadCount(const Exchange& x) {
  const Counts* const counts = CountsOfThread();
  return counts != nullptr ? x.ReadOnly(counts->*count) : ENOENT;
}
template <uint64_t Counts::*count>
int ThreadCountPlace(const Exchange& x) {
  Counts* const counts = CountsOfThread();
  return counts != nullptr ? x.ReadOnly(&(counts->*count)) : ENOENT;
}

int64_t Ahead(const Counts& counts) {
  return static_cast<int64_t>(counts.allocated - counts.deallocated);
}

// The peak is told from where it was last reset.
thread_local int64_t t_peak_from = 0;

int ReadPeak(const Exchange& x) {
  const Counts* const counts = CountsOfThread();
  return counts != nullptr ? x.ReadOnly(static_cast<uint64_t>(counts->peak - t_peak_from)) : ENOENT;
}
int ResetPeak(const Exchange& x) {
  Counts* const counts = CountsOfThread();
  if (counts == nullptr) return ENOENT;
  if (const int error = x.NeitherReadNorWritten()) return error;
  counts->peak = t_peak_from = Ahead(*counts);
  return 0;
}

// What a program may set, and what is here as it is whatever it sets.
int Off(const Exchange& x) {
  bool on = false;
  if (const int error = x.Written(&on)) return error;
  return on ? ENOENT : x.Read(false);
}
int On(const Exchange& x) {
  bool on = true;
  if (const int error = x.Written(&on)) return error;
  return x.Read(true);
}

int Nothing(const Exchange& x) { return x.NeitherReadNorWritten(); }

// Explicit caches: each is this thread's own.
int CreateCache(const Exchange& x) { return x.ReadOnly(0U); }
int TakeCache(const Exchange& x) {
  unsigned cache = 0;
  return x.writes() ? x.Written(&cache) : EINVAL;
}

template <bool value>
int Constant(const Exchange& x) {
  return x.ReadOnly(value);
}

template <size_t Figures::*figure>
int Figure(const Exchange& x) {
  return x.ReadOnly(Current().*figure);
}
template <size_t Figures::*figure>
int Pages(const Exchange& x) {
  return x.ReadOnly(Current().*figure / kKernelPage);
}

#define MYMALLOC_INNER(name, children) \
  { name, nullptr, (children), sizeof(children) / sizeof(*(children)) }
#define MYMALLOC_LEAF(name, ...) \
  { name, __VA_ARGS__, nullptr, 0 }

constexpr Node kThreadCache[] = {
    MYMALLOC_LEAF("enabled", On),
    MYMALLOC_LEAF("flush", Nothing),
};
constexpr Node kThreadPeak[] = {
    MYMALLOC_LEAF("read", ReadPeak),
    MYMALLOC_LEAF("reset", ResetPeak),
};
constexpr Node kThread[] = {
    MYMALLOC_LEAF("allocated", ThreadCount<&Counts::allocated>),
    MYMALLOC_LEAF("allocatedp", ThreadCountPlace<&Counts::allocated>),
    MYMALLOC_LEAF("deallocated", ThreadCount<&Counts::deallocated>),
    MYMALLOC_LEAF("deallocatedp", ThreadCountPlace<&Counts::deallocated>),
    MYMALLOC_INNER("peak", kThreadPeak),
    MYMALLOC_LEAF("arena", ThisThreadsArena),
    MYMALLOC_INNER("tcache", kThreadCache),
    MYMALLOC_LEAF("idle", Nothing),
};
constexpr Node kCache[] = {
    MYMALLOC_LEAF("create", CreateCache),
    MYMALLOC_LEAF("flush", TakeCache),
    MYMALLOC_LEAF("destroy", TakeCache),
};
constexpr Node kConfig[] = {
    MYMALLOC_LEAF("cache_oblivious", Constant<false>),
    MYMALLOC_LEAF("debug", Constant<false>),
    MYMALLOC_LEAF("fill", Constant<false>),
    MYMALLOC_LEAF("lazy_lock", Constant<false>),
    MYMALLOC_LEAF("malloc_conf", [](const Exchange& x) { return x.ReadOnly<const char*>(""); }),
    MYMALLOC_LEAF("opt_safety_checks", Constant<true>),
    MYMALLOC_LEAF("prof", Constant<false>),
    MYMALLOC_LEAF("prof_libgcc", Constant<false>),
    MYMALLOC_LEAF("prof_libunwind", Constant<false>),
    MYMALLOC_LEAF("stats", Constant<true>),
    MYMALLOC_LEAF("utrace", Constant<false>),
    MYMALLOC_LEAF("xmalloc", Constant<false>),
};
constexpr Node kOptions[] = {
    MYMALLOC_LEAF("background_thread", Constant<false>),
    MYMALLOC_LEAF("narenas", [](const Exchange& x) { return x.ReadOnly(kArenas); }),
    MYMALLOC_LEAF("prof", Constant<false>),
    MYMALLOC_LEAF("tcache", Constant<true>),
    MYMALLOC_LEAF("xmalloc", Constant<false>),
    MYMALLOC_LEAF("zero", Constant<false>),
};
constexpr Node kArenaLeaves[] = {
    MYMALLOC_LEAF("initialized", [](const Exchange& x) { return x.ReadOnly(x.path[1] < kArenas); }),
    MYMALLOC_LEAF("decay", Purge),
    MYMALLOC_LEAF("purge", Purge),
};
constexpr Node kArena[] = {MYMALLOC_INNER(nullptr, kArenaLeaves)};
constexpr Node kArenasLeaves[] = {
    MYMALLOC_LEAF("narenas", [](const Exchange& x) { return x.ReadOnly(kArenas); }),
    MYMALLOC_LEAF("page", [](const Exchange& x) { return x.ReadOnly(kKernelPage); }),
    MYMALLOC_LEAF("quantum", [](const Exchange& x) { return x.ReadOnly(size_t{16}); }),
};
constexpr Node kStatsOfArena[] = {
    MYMALLOC_LEAF("mapped", Figure<&Figures::mapped>),
    MYMALLOC_LEAF("pactive", Pages<&Figures::active>),
    MYMALLOC_LEAF("pdirty", Pages<&Figures::dirty>),
    MYMALLOC_LEAF("resident", Figure<&Figures::resident>),
    MYMALLOC_LEAF("retained", Figure<&Figures::retained>),
};
constexpr Node kStatsArenas[] = {MYMALLOC_INNER(nullptr, kStatsOfArena)};
constexpr Node kStats[] = {
    MYMALLOC_LEAF("active", Figure<&Figures::active>),
    MYMALLOC_LEAF("allocated", Figure<&Figures::allocated>),
    MYMALLOC_INNER("arenas", kStatsArenas),
    MYMALLOC_LEAF("mapped", Figure<&Figures::mapped>),
    MYMALLOC_LEAF("metadata", Figure<&Figures::metadata>),
    MYMALLOC_LEAF("resident", Figure<&Figures::resident>),
    MYMALLOC_LEAF("retained", Figure<&Figures::retained>),
};
constexpr Node kNames[] = {
    MYMALLOC_LEAF("version", [](const Exchange& x) { return x.ReadOnly<const char*>(kVersion); }),
    MYMALLOC_LEAF("epoch", Epoch),
    MYMALLOC_LEAF("background_thread", Off),
    MYMALLOC_INNER("thread", kThread),
    MYMALLOC_INNER("tcache", kCache),
    MYMALLOC_INNER("config", kConfig),
    MYMALLOC_INNER("opt", kOptions),
    MYMALLOC_INNER("arena", kArena),
    MYMALLOC_INNER("arenas", kArenasLeaves),
    MYMALLOC_INNER("stats", kStats),
};
constexpr Node kRoot = MYMALLOC_INNER("", kNames);

using WriteText = void (*)(void* argument, const char* text);

void WriteToStderr(void* argument, const char* text) {
  (void)argument;
  fputs(text, stderr);
}

}  // namespace
}  // namespace mymalloc::compat

using namespace mymalloc::compat;  // NOLINT: the names below are jemalloc's

MYMALLOC_API int mallctlbymib(const size_t* path, size_t length, void* old_value,
                              size_t* old_length, void* new_value, size_t new_length) {
  const Node* const node = FindNode(kRoot, path, length);
  if (node == nullptr || node->answer == nullptr) return ENOENT;
  return node->answer({old_value, old_length, new_value, new_length, path});
}

MYMALLOC_API int mallctlnametomib(const char* name, size_t* path, size_t* length) {
  return FindPath(kRoot, name, path, length);
}

MYMALLOC_API int mallctl(const char* name, void* old_value, size_t* old_length, void* new_value,
                         size_t new_length) {
  size_t path[kLongestPath];
  size_t length = kLongestPath;
  if (FindPath(kRoot, name, path, &length) != 0) return ENOENT;
  return mallctlbymib(path, length, old_value, old_length, new_value, new_length);
}

// The same figures, in jemalloc's words and with its JSON's names; `J` in the options asks for
// that.
MYMALLOC_API void malloc_stats_print(WriteText write, void* argument, const char* options) {
  Refresh();
  const Figures f = Current();
  const bool json = options != nullptr && strchr(options, 'J') != nullptr;
  const char* const format =
      json ? "{\"jemalloc\":{\"version\":\"%s\",\"stats\":{\"allocated\":%zu,\"active\":%zu,"
             "\"metadata\":%zu,\"resident\":%zu,\"mapped\":%zu,\"retained\":%zu}}}\n"
           : "Version: %s\nAllocated: %zu, active: %zu, metadata: %zu, resident: %zu, mapped: %zu, "
             "retained: %zu\n";
  char text[512];
  snprintf(text, sizeof(text), format, kVersion, f.allocated, f.active, f.metadata, f.resident,
           f.mapped, f.retained);
  (write != nullptr ? write : &WriteToStderr)(argument, text);
}
