// The counting of locks (mymalloc/base/lock_count.h) in a library that is mymalloc otherwise.
//
// LOCK_COUNTS=FILE: when the process exits, one line of JSON for each name of a lock goes there.
// LOCK_PATHS=1, too: one for each way, as return addresses in this library, on which a lock was
// taken.
//
// A thread that waits for a lock out of order (mymalloc/base/lock_order.h) ends the process.

#include "mymalloc/base/lock_count.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include <atomic>
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// The linker's: where this library lies, and where its code ends.
extern "C" __attribute__((visibility("hidden"))) const char __ehdr_start[];
extern "C" __attribute__((visibility("hidden"))) const char etext[];

namespace mymalloc {
namespace {

constexpr const char* kNames[kLockNames] = {
#define MYMALLOC_LOCK_WORDS(name, words) words,
    MYMALLOC_FOR_EACH_LOCK(MYMALLOC_LOCK_WORDS)
#undef MYMALLOC_LOCK_WORDS
        "budget"};

// Of a lock, or of all heaps' locks together. Several of those may be held at once.
struct alignas(64) Counts {
  std::atomic<uint64_t> acquisitions{0};
  std::atomic<uint64_t> waits{0};
  std::atomic<uint64_t> held{0};  // in the processor's ticks, as all times here
  std::atomic<uint64_t> longest{0};
};
Counts g_counts[kLockNames];

// When this thread took each lock, of the heaps' the last one.
__thread uint64_t t_taken[kLockNames] __attribute__((tls_model("initial-exec")));

// How many of each name this thread holds.
__thread unsigned t_held[kLockNames] __attribute__((tls_model("initial-exec")));

// A way to a lock.
constexpr unsigned kFrames = 10;
struct Path {
  std::atomic<uint64_t> hash{0};  // 0: none
  std::atomic<uint64_t> count{0};
  LockName name;
  uint64_t frames[kFrames];  // relative to this library
};
constexpr unsigned kPaths = 4096;
Path g_paths[kPaths];
bool g_note_paths;

unsigned Place(LockName name) { return static_cast<unsigned>(name); }

// Of what all who do so hold first, one is the only one that does.
bool MayHoldSeveral(LockName name) {
  const bool are_several = name == LockName::kGiver || name == LockName::kHeap;
  return are_several && t_held[Place(name) - 1] != 0;
}

[[noreturn]] void DieOfOrder(const char* lock, const char* held) {
  char line[100];  // as dprintf would allocate
  const int size =
      snprintf(line, sizeof(line), "lock order: waits for '%s' with '%s' held\n", lock, held);
  (void)!write(STDERR_FILENO, line, static_cast<size_t>(size));
  abort();
}

uint64_t g_start_ticks;
uint64_t g_start_ns;

uint64_t Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

uint64_t Address(const void* p) { return reinterpret_cast<uint64_t>(p); }

bool IsOurCode(uint64_t address) {
  return Address(__ehdr_start) <= address && address < Address(etext);
}

// This library keeps frame pointers; who called it need not, and is not asked.
unsigned Walk(const void* from, uint64_t* frames) {
  auto frame = static_cast<const uint64_t*>(from);
  unsigned count = 0;
  while (count < kFrames && IsOurCode(frame[1])) {
    frames[count++] = frame[1] - Address(__ehdr_start);
    const uint64_t next = frame[0];
    if (next <= Address(frame) || next - Address(frame) > 1 << 16 || next % 8 != 0) break;
    frame = reinterpret_cast<const uint64_t*>(next);
  }
  return count;
}

void NotePath(LockName name, const void* frame) {
  uint64_t frames[kFrames] = {};
  const unsigned count = Walk(frame, frames);
  uint64_t hash = static_cast<uint64_t>(name) + 1;
  for (unsigned i = 0; i < count; ++i) hash = (hash ^ frames[i]) * 0x9e3779b97f4a7c15;
  hash |= 1;
  for (uint64_t i = hash >> 32, tries = 0; tries < kPaths; ++i, ++tries) {
    Path& path = g_paths[i % kPaths];
    uint64_t found = 0;
    if (path.hash.compare_exchange_strong(found, hash)) {
      path.name = name;
      std::memcpy(path.frames, frames, sizeof(frames));
    } else if (found != hash) {
      continue;
    }
    path.count.fetch_add(1, std::memory_order_relaxed);
    return;
  }
}

void PrintCounts(int file, double ns_per_tick) {
  for (unsigned i = 0; i < kLockNames; ++i) {
    const Counts& counts = g_counts[i];
    const uint64_t acquisitions = counts.acquisitions.load();
    const double held = static_cast<double>(counts.held.load()) * ns_per_tick;
    dprintf(file,
            "{\"lock\":\"%s\",\"acquisitions\":%" PRIu64 ",\"waits\":%" PRIu64
            ",\"held_ns\":%.0f,\"mean_hold_ns\":%.1f,\"max_hold_ns\":%.0f}\n",
            kNames[i], acquisitions, counts.waits.load(), held,
            acquisitions == 0 ? 0.0 : held / static_cast<double>(acquisitions),
            static_cast<double>(counts.longest.load()) * ns_per_tick);
  }
}

void PrintPaths(int file) {
  for (const Path& path : g_paths) {
    if (path.count.load() == 0) continue;
    dprintf(file, "{\"lock\":\"%s\",\"acquisitions\":%" PRIu64 ",\"path\":[",
            kNames[Place(path.name)], path.count.load());
    for (unsigned i = 0; i < kFrames && path.frames[i] != 0; ++i) {
      dprintf(file, "%s%" PRIu64, i == 0 ? "" : ",", path.frames[i]);
    }
    dprintf(file, "]}\n");
  }
}

__attribute__((constructor)) void Begin() {
  const char* const paths = std::getenv("LOCK_PATHS");
  g_note_paths = paths != nullptr && *paths != '\0';
  g_start_ns = Now();
  g_start_ticks = __rdtsc();
}

// Forked children that exit as libc has it would print over it: the workloads make none.
__attribute__((destructor)) void End() {
  const char* const name = std::getenv("LOCK_COUNTS");
  if (name == nullptr) return;
  const double ns_per_tick =
      static_cast<double>(Now() - g_start_ns) / static_cast<double>(__rdtsc() - g_start_ticks);
  const int file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return;
  PrintCounts(file, ns_per_tick);
  if (g_note_paths) PrintPaths(file);
  close(file);
}

}  // namespace

void LockCount::MayWait(bool (*passes)()) const {
  const unsigned place = Place(name());
  for (unsigned held = place; held < kLockNames; ++held) {
    const bool in_order = t_held[held] == 0 || (held == place && MayHoldSeveral(name()));
    if (!in_order && !passes()) DieOfOrder(kNames[place], kNames[held]);
  }
}

__attribute__((noinline)) void LockCount::Acquire() const {
  if (g_note_paths) NotePath(name(), __builtin_frame_address(0));
  const unsigned name = Place(this->name());
  ++t_held[name];
  g_counts[name].acquisitions.fetch_add(1, std::memory_order_relaxed);
  t_taken[name] = __rdtsc();
}

__attribute__((noinline)) void LockCount::Release() const {
  const unsigned name = Place(this->name());
  --t_held[name];
  const uint64_t held = __rdtsc() - t_taken[name];
  Counts& counts = g_counts[name];
  counts.held.fetch_add(held, std::memory_order_relaxed);
  uint64_t longest = counts.longest.load(std::memory_order_relaxed);
  while (held > longest && !counts.longest.compare_exchange_weak(longest, held)) {
  }
}

void LockCount::Wait() const {
  g_counts[Place(name())].waits.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace mymalloc
