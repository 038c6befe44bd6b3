#include "tests/refused/memory_calls.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "tree/interval.h"

// The linker's names, for functions of mymalloc::os: __real_ is the engine's own, __wrap_ what the
// engine calls.
#define REAL(mangled) __asm__("__real_" mangled)
#define WRAP(mangled) __asm__("__wrap_" mangled)

using mymalloc::Interval;

uintptr_t RealMap(size_t bytes) REAL("_ZN8mymalloc2os3MapEm");
uintptr_t RealMapLazily(size_t bytes, uintptr_t wanted) REAL("_ZN8mymalloc2os9MapLazilyEmm");
uintptr_t RealReserve(size_t bytes, uintptr_t wanted) REAL("_ZN8mymalloc2os7ReserveEmm");
bool RealCommit(Interval range) REAL("_ZN8mymalloc2os6CommitENS_8IntervalE");
bool RealProtect(Interval range) REAL("_ZN8mymalloc2os7ProtectENS_8IntervalE");
bool RealSeal(Interval range) REAL("_ZN8mymalloc2os4SealENS_8IntervalE");
bool RealUnmap(Interval range) REAL("_ZN8mymalloc2os5UnmapENS_8IntervalE");
bool RealPurge(Interval range) REAL("_ZN8mymalloc2os5PurgeENS_8IntervalE");
uintptr_t RealRemap(Interval range, size_t bytes, bool may_move)
    REAL("_ZN8mymalloc2os5RemapENS_8IntervalEmb");

uintptr_t WrapMap(size_t bytes) WRAP("_ZN8mymalloc2os3MapEm");
uintptr_t WrapMapLazily(size_t bytes, uintptr_t wanted) WRAP("_ZN8mymalloc2os9MapLazilyEmm");
uintptr_t WrapReserve(size_t bytes, uintptr_t wanted) WRAP("_ZN8mymalloc2os7ReserveEmm");
bool WrapCommit(Interval range) WRAP("_ZN8mymalloc2os6CommitENS_8IntervalE");
bool WrapProtect(Interval range) WRAP("_ZN8mymalloc2os7ProtectENS_8IntervalE");
bool WrapSeal(Interval range) WRAP("_ZN8mymalloc2os4SealENS_8IntervalE");
bool WrapUnmap(Interval range) WRAP("_ZN8mymalloc2os5UnmapENS_8IntervalE");
bool WrapPurge(Interval range) WRAP("_ZN8mymalloc2os5PurgeENS_8IntervalE");
uintptr_t WrapRemap(Interval range, size_t bytes, bool may_move)
    WRAP("_ZN8mymalloc2os5RemapENS_8IntervalEmb");

namespace mymalloc::test {
namespace {

// Constant-initialised: the engine calls before any constructor of this program has run.
std::atomic<bool> ended{false};
std::atomic<uint64_t> counted{0};
std::atomic<uint64_t> failed{0};
std::atomic<size_t> mapped{0};
std::atomic<size_t> kept{0};
std::atomic<uintptr_t> reservation{0};

// Not by strtoull: the first calls come before libc has set up its locale.
uint64_t Number(const char* variable, uint64_t otherwise) {
  const char* text = getenv(variable);
  if (text == nullptr) return otherwise;
  uint64_t value = 0;
  for (; *text >= '0' && *text <= '9'; ++text)
    value = value * 10 + static_cast<uint64_t>(*text - '0');
  return value;
}

bool Counts(const char* call) {
  const char* const calls = getenv(kFaultCalls);
  return calls == nullptr || strstr(calls, call) != nullptr;
}

// Whether this call is to fail. `call` is its name with commas around it.
bool Fails(const char* call) {
  if (ended || !Counts(call)) return false;
  const uint64_t number = ++counted;
  const uint64_t first = Number(kFaultFirst, 0);
  if (first == 0 || number < first || number - first >= Number(kFaultCount, 1)) return false;
  ++failed;
  return true;
}

}  // namespace

void FailAll(const char* calls) {
  setenv(kFaultCalls, calls, /*replace=*/1);
  setenv(kFaultFirst, "1", /*replace=*/1);
  setenv(kFaultCount, "1000000000", /*replace=*/1);
}
void EndFaults() { ended = true; }
uint64_t CountedCalls() { return counted; }
uint64_t FailedCalls() { return failed; }
size_t MappedBytes() { return mapped; }
size_t KeptBytes() { return kept; }

}  // namespace mymalloc::test

using mymalloc::test::Fails;
using mymalloc::test::mapped;

uintptr_t WrapMap(size_t bytes) {
  const uintptr_t begin = Fails(",map,") ? 0 : RealMap(bytes);
  if (begin != 0) mapped += bytes;
  return begin;
}

uintptr_t WrapMapLazily(size_t bytes, uintptr_t wanted) {
  const uintptr_t begin = Fails(",map,") ? 0 : RealMapLazily(bytes, wanted);
  if (begin != 0) mapped += bytes;
  return begin;
}

// A reservation counts as nothing, so that its end takes nothing away.
uintptr_t WrapReserve(size_t bytes, uintptr_t wanted) {
  const uintptr_t begin = Fails(",reserve,") ? 0 : RealReserve(bytes, wanted);
  if (begin != 0) mymalloc::test::reservation = begin;
  return begin;
}

bool WrapCommit(Interval range) { return !Fails(",commit,") && RealCommit(range); }

bool WrapProtect(Interval range) { return !Fails(",protect,") && RealProtect(range); }

bool WrapSeal(Interval range) { return !Fails(",seal,") && RealSeal(range); }

bool WrapUnmap(Interval range) {
  const bool done = !Fails(",unmap,") && RealUnmap(range);
  if (!done) {
    mymalloc::test::kept += range.length();
    return false;
  }
  if (range.begin == mymalloc::test::reservation) {
    mymalloc::test::reservation = 0;
  } else {
    mapped -= range.length();
  }
  return true;
}

bool WrapPurge(Interval range) { return !Fails(",purge,") && RealPurge(range); }

uintptr_t WrapRemap(Interval range, size_t bytes, bool may_move) {
  const uintptr_t now = Fails(",remap,") ? 0 : RealRemap(range, bytes, may_move);
  if (now != 0) mapped += bytes - range.length();
  return now;
}
