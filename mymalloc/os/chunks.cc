#include "mymalloc/os/chunks.h"

#include <sys/resource.h>

#include "mymalloc/base/syscall.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/os/onlooker.h"
#include "mymalloc/os/setting.h"

namespace mymalloc::os {
namespace {

constexpr size_t kLargestChunk = 64 * kMiB;
constexpr size_t kSmallestScarceChunk = kMiB;
constexpr size_t kGrowthShare = 8;

// What of the window lies above the first chunk: the kernel goes downwards, but fills gaps.
constexpr size_t kWindowAbove = 64 * kGiB;
constexpr size_t kWindowBytes = kChunkGranules * kChunkGranule;

// What is shorter is not worth a mapping of its own.
constexpr size_t kLeastLeftOut = 2 * kChunkGranule;
constexpr size_t kMostLeftOut = 16;

// Each run of granules side by side is a mapping. So many more than there are longest chunks may
// come of what is unmapped in the middle of a run.
constexpr size_t kMostSplits = 16;

rlim_t LimitOn(int resource) {
  rlimit limit{};
  const long result = Syscall(SYS_prlimit64, 0, resource, 0, reinterpret_cast<long>(&limit));
  return IsError(result) ? RLIM_INFINITY : limit.rlim_cur;
}

// vm.overcommit_memory = 2: every usable byte counts, touched or not.
bool OvercommitIsStrict() { return ReadSetting("/proc/sys/vm/overcommit_memory", 0) == 2; }

// A limit below which a few chunks would be a good part of it.
constexpr rlim_t kAmple = 4 * kGiB;

// How many runs there are when a granule has become part of them, or no longer is; so many beside
// it are.
size_t RunsAfter(size_t runs, bool added, size_t neighbours) {
  return added ? runs + 1 - neighbours : runs + neighbours - 1;
}

}  // namespace

Chunks g_chunks;
uintptr_t g_chunk_window;
std::atomic<uint8_t> g_chunk_table[kChunkGranules];

bool AddressSpaceIsScarce() {
  return LimitOn(RLIMIT_AS) < kAmple || LimitOn(RLIMIT_DATA) < kAmple || OvercommitIsStrict();
}

// "always", "madvise" or "never", of which the one that holds is in brackets.
bool HugePagesAreThere() {
  constexpr char kPath[] = "/sys/kernel/mm/transparent_hugepage/enabled";
  return SettingHas(kPath, {"[madvise]", "[always]"});
}

void Chunks::Init(bool scarce, bool tags_readable) {
  scarce_ = scarce;
  if (tags_readable) bits_ |= kTagsReadable;
}

// As a chunk is made, that is: where a block needs a longer one it gets it.
size_t Chunks::longest() const { return scarce_ ? kSmallestChunk : kLargestChunk; }

uintptr_t Chunks::Map(size_t bytes, size_t* granted) {
  const size_t smallest = scarce_ ? kChunkGranule : kSmallestChunk;
  const size_t step = Min(Max(mapped() / kGrowthShare, smallest), longest());
  // A long one, one that is just long enough, one that is no whole granules.
  size_t lengths[] = {RoundUp(Max(bytes, step), kChunkGranule), RoundUp(bytes, kChunkGranule),
                      Max(bytes, kSmallestScarceChunk), bytes};
  for (const size_t length : lengths) {
    uintptr_t begin = length % kChunkGranule == 0 ? MapGranules(length) : 0;
    if (begin != 0) {
      SetTable(Interval::From(begin, length), bits_);
      next_ = begin;
      // With the kernel page before it, as what is beside it: so the kernel makes one mapping of
      // them.
      os::AllowHugePages({begin - KernelPage(), begin + length}, huge_pages_allowed());
    } else {
      begin = MapLazily(length);
      if (begin != 0) os::AllowHugePages(Interval::From(begin, length), huge_pages_allowed());
    }
    if (begin == 0) continue;
    mapped_.fetch_add(length, std::memory_order_relaxed);
    *granted = length;
    return begin;
  }
  return 0;
}

// Chunks that lie side by side are one range to the kernel.
void Chunks::AllowHugePages(bool allowed) {
  huge_pages_.store(allowed, std::memory_order_relaxed);
  if (allowed) had_huge_pages_.store(true, std::memory_order_relaxed);
  size_t first = 0;
  for (size_t i = 0; i <= kChunkGranules; ++i) {
    const bool ours = i < kChunkGranules && g_chunk_table[i].load(std::memory_order_relaxed) != 0;
    if (ours) continue;
    if (i != first) {
      os::AllowHugePages(
          {g_chunk_window + first * kChunkGranule, g_chunk_window + i * kChunkGranule}, allowed);
    }
    first = i + 1;
  }
}

uintptr_t Chunks::NextGranule(uintptr_t at) {
  const uintptr_t begin = Max(at, g_chunk_window) + kChunkGranule - 1;
  for (uintptr_t i = (begin - g_chunk_window) / kChunkGranule; i < kChunkGranules; ++i) {
    if (g_chunk_table[i].load(std::memory_order_relaxed) != 0) {
      return g_chunk_window + i * kChunkGranule;
    }
  }
  return 0;
}

// At a multiple of a granule, with one kernel page more before it: the 8 bytes before its first
// address can be read, too.
uintptr_t Chunks::MapGranules(size_t bytes) const {
  // Right below the last one, whose kernel page before is then the last of this one.
  if (InChunk(next_) && next_ > bytes + KernelPage()) {
    const uintptr_t wanted = next_ - bytes - KernelPage();
    if (MapAt(wanted, bytes)) return wanted + KernelPage();
  }
  // The kernel goes downwards: where it finds room there is mostly some more below, and at its
  // limit the process cannot have more than it needs, not even for a moment.
  const size_t with_page = bytes + KernelPage();
  const uintptr_t found = MapLazily(with_page);
  if (found == 0) return 0;
  const uintptr_t aligned = RoundDown(found + KernelPage(), kChunkGranule);
  if (aligned == found + KernelPage()) return aligned;
  os::Unmap(Interval::From(found, with_page));
  if (aligned > KernelPage() && MapAt(aligned - KernelPage(), with_page)) return aligned;
  return MapAndCut(bytes);
}

// Exactly there, or nothing.
bool Chunks::MapAt(uintptr_t wanted, size_t bytes) {
  const uintptr_t begin = MapLazily(bytes, wanted);
  if (begin != 0 && begin != wanted) os::Unmap(Interval::From(begin, bytes));
  return begin == wanted;
}

// So much that it has whole granules wherever the kernel puts it.
uintptr_t Chunks::MapAndCut(size_t bytes) {
  const size_t more = kChunkGranule + KernelPage();
  const uintptr_t begin = MapLazily(bytes + more);
  if (begin == 0) return 0;
  const uintptr_t aligned = RoundUp(begin + KernelPage(), kChunkGranule);
  const uintptr_t end = begin + bytes + more;
  if (aligned - KernelPage() > begin) os::Unmap({begin, aligned - KernelPage()});
  if (end > aligned + bytes) os::Unmap({aligned + bytes, end});
  return aligned;
}

void Chunks::SetTable(Interval range, uint8_t bits) {
  if (!window_chosen_) {
    window_chosen_ = true;
    const uintptr_t top = RoundUp(range.end, kChunkGranule) + kWindowAbove;
    g_chunk_window = top > kWindowBytes ? top - kWindowBytes : 0;
  }
  for (uintptr_t granule = range.begin; granule < range.end; granule += kChunkGranule) {
    const uintptr_t index = (granule - g_chunk_window) / kChunkGranule;
    if (index >= kChunkGranules) continue;
    if (InChunk(granule) != (bits != 0)) {
      const size_t neighbours = InChunk(granule - 1) + size_t{InChunk(granule + kChunkGranule)};
      runs_ = RunsAfter(runs_, bits != 0, neighbours);
    }
    g_chunk_table[index].store(bits, std::memory_order_relaxed);
  }
}

bool Chunks::IsLeftOut(uintptr_t granule) {
  const uintptr_t index = (granule - g_chunk_window) / kChunkGranule;
  return index < kChunkGranules &&
         (g_chunk_table[index].load(std::memory_order_relaxed) & kLeftOut) != 0;
}

void Chunks::LeaveOut(Interval range) {
  const Interval whole = {RoundUp(range.begin, kChunkGranule), RoundDown(range.end, kChunkGranule)};
  if (whole.end < whole.begin + kLeastLeftOut || left_out_ >= kMostLeftOut) return;
  if (!InChunk(whole.begin) || !InChunk(whole.end - 1)) return;
  // What the kernel refuses it may have done in part.
  if (!SetLeftOut(whole, true)) os::PutIntoCores(whole, true);
}

// Where that would make two ranges of one, and there are many already, or the kernel has no room
// for one more mapping, the range as a whole.
void Chunks::PutGranulesBack(Interval range) {
  range.begin = RoundDown(range.begin, kChunkGranule);
  range.end = RoundUp(range.end, kChunkGranule);
  const bool splits = IsLeftOut(range.begin - 1) && IsLeftOut(range.end);
  if ((!splits || left_out_ < kMostLeftOut) && SetLeftOut(range, false)) return;
  while (IsLeftOut(range.begin - 1)) range.begin -= kChunkGranule;
  while (IsLeftOut(range.end)) range.end += kChunkGranule;
  SetLeftOut(range, false);
}

// Those of the granules that are ours and not so yet. False if the kernel refuses.
bool Chunks::SetLeftOut(Interval granules, bool left_out) {
  const auto changes = [left_out](uintptr_t g) { return InChunk(g) && IsLeftOut(g) != left_out; };
  while (!granules.empty() && !changes(granules.begin)) granules.begin += kChunkGranule;
  while (!granules.empty() && !changes(granules.end - 1)) granules.end -= kChunkGranule;
  if (granules.empty()) return true;
  if (!os::PutIntoCores(granules, !left_out)) return false;
  for (uintptr_t g = granules.begin; g < granules.end; g += kChunkGranule) {
    if (!changes(g)) continue;
    const size_t neighbours = IsLeftOut(g - 1) + size_t{IsLeftOut(g + kChunkGranule)};
    left_out_ = RunsAfter(left_out_, left_out, neighbours);
    g_chunk_table[(g - g_chunk_window) / kChunkGranule].store(left_out ? bits_ | kLeftOut : bits_,
                                                              std::memory_order_relaxed);
  }
  return true;
}

// The kernel page before a granule of ours stays, and only that: so what is unmapped takes the one
// before it along if that is no one's any more, and leaves its last to what lies behind.
Interval Chunks::Unmap(Interval range) {
  const Interval whole = {RoundUp(range.begin, kChunkGranule), RoundDown(range.end, kChunkGranule)};
  if (whole.begin >= whole.end || !InChunk(whole.begin)) return {};
  const bool splits = InChunk(whole.begin - 1) && InChunk(whole.end);
  const bool many = runs_ >= kMostSplits + mapped() / longest();
  if (splits && many && whole.length() < longest()) return {};
  if (!Onlooker::MayHide()) return {};
  PutBack(whole);
  SetTable(whole, /*bits=*/0);
  const uintptr_t begin = InChunk(whole.begin - 1) ? whole.begin : whole.begin - KernelPage();
  const uintptr_t end = InChunk(whole.end) ? whole.end - KernelPage() : whole.end;
  if (!os::Unmap({begin, end})) {
    SetTable(whole, bits_);
    return {};
  }
  mapped_.fetch_sub(whole.length(), std::memory_order_relaxed);
  return whole;
}

}  // namespace mymalloc::os
