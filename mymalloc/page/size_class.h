// Size classes: which stride serves which request.
//
// A slot of stride s gives its block s - 8 usable bytes: the last 8 bytes of the slot are the tag
// of the next one (page/tag.h). Two kinds of stride are merged into one ascending list:
//
//   regular   16, 32, ... 272 by 16; then up to 32784 eight to a doubling, all of the form
//             2^k * (1 + i/8) + 16: a request of a power of two or a simple fraction above it fits
//             with 8 bytes to spare, and such slots spread over the cache sets, as slots whose
//             distance is a power of two would not.
//   aligned   multiples of larger powers of two, for requests with an alignment: a page starts on
//             a unit (4 KiB), so slot i, at i * stride, is aligned as far as its stride is.
//
// Longer blocks, up to 2 MiB, are runs of slots that follow each other, in pages of run classes:
// for each of 4, 8, 32 and 64 KiB an aligned one, and a regular one of which 31 slots hold a block
// of 32 times that. A page has 255 slots beside its header: eight such blocks lie in it, where of
// those of 32 slots it would be seven. There is no magazine for these. Before them are two run
// classes for osmem/ alone, all of whose blocks are runs, be they only a slot long.
//
// The table that this makes, with the waste of each class, is printed by `//tools:size_classes`;
// the bounds on the waste (tools/size_class_waste.h) are tested over every size.

#ifndef MYMALLOC_PAGE_SIZE_CLASS_H_
#define MYMALLOC_PAGE_SIZE_CLASS_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "mymalloc/base/number.h"
#include "mymalloc/base/units.h"
#include "mymalloc/page/slot.h"

namespace mymalloc {

// Which length of slot: by it, the strides are in order.
using SizeClass = Ordinal<struct SizeClassKind>;

namespace size_class_internal {

constexpr size_t kLargestFine = 272;             // by 16 up to here
constexpr size_t kLargestEighth = 32768;         // eight to a doubling up to here
constexpr size_t kLargestAlignedQuarter = 4096;  // aligned ones: four to a doubling up to here
constexpr size_t kOffset = 16;  // what regular strides have beyond the round number
constexpr unsigned kRunUnitCount = 4;
constexpr size_t kRunUnits[kRunUnitCount] = {4096, 8192, 32768, 65536};
constexpr unsigned kOsmemRunCount = 2;
constexpr size_t kOsmemRuns[kOsmemRunCount] = {64, 2112};

struct Strides {
  uint32_t stride[128] = {};
  bool regular[128] = {};
  unsigned count = 0;

  constexpr void Add(size_t s, bool is_regular) {
    unsigned at = count;
    while (at > 0 && stride[at - 1] > s) --at;
    if (at > 1 && stride[at - 1] == s) return;
    for (unsigned i = count; i > at; --i) {
      stride[i] = stride[i - 1];
      regular[i] = regular[i - 1];
    }
    stride[at] = static_cast<uint32_t>(s);
    regular[at] = is_regular;
    ++count;
  }
};

constexpr Strides MakeStrides() {
  Strides all;
  // Class 0 is nobody's: its tags begin with a zero byte, and the zero that ends a string is what
  // most often overwrites that (page/tag.h).
  all.stride[0] = kBlockAlignment;
  all.count = 1;
  for (size_t s = kBlockAlignment; s <= kLargestFine; s += kBlockAlignment) all.Add(s, true);
  for (size_t octave = 256; octave < kLargestEighth; octave *= 2) {
    for (size_t i = 1; i <= 8; ++i) all.Add(octave + octave / 8 * i + kOffset, true);
  }
  for (size_t octave = 256; octave <= kLargestEighth; octave *= 2) {
    const size_t steps = octave < kLargestAlignedQuarter ? 4 : octave < kLargestEighth ? 2 : 1;
    for (size_t i = 0; i < steps; ++i) all.Add(octave + octave / steps * i, false);
  }
  // The run classes, which do not count among those.
  unsigned next = all.count;
  for (const size_t stride : kOsmemRuns) all.stride[next++] = static_cast<uint32_t>(stride);
  for (const size_t unit : kRunUnits) {
    all.stride[next++] =
        static_cast<uint32_t>(RoundUp(32 * unit / 31 + kTagBytes, kBlockAlignment));
    all.stride[next++] = static_cast<uint32_t>(unit);
  }
  return all;
}

inline constexpr Strides kStrides = MakeStrides();

}  // namespace size_class_internal

inline constexpr unsigned kSizeClasses = size_class_internal::kStrides.count;
constexpr SizeClass kSmallestClass{0};

// The run classes, behind those of single slots.
inline constexpr unsigned kRunClasses =
    size_class_internal::kOsmemRunCount + 2 * size_class_internal::kRunUnitCount;
inline constexpr unsigned kPageClasses = kSizeClasses + kRunClasses;
constexpr SizeClass kFirstRunClass{kSizeClasses};
constexpr bool IsRunClass(SizeClass c) { return c >= kFirstRunClass; }
constexpr bool IsPageClass(SizeClass c) { return c < SizeClass{kPageClasses}; }

// For loops: over the classes of single slots, of runs, and all that pages have.
constexpr Each<SizeClass> EachSizeClass() { return {kSmallestClass, kFirstRunClass}; }
constexpr Each<SizeClass> EachRunClass() { return {kFirstRunClass, SizeClass{kPageClasses}}; }
constexpr Each<SizeClass> EachPageClass() { return {kSmallestClass, SizeClass{kPageClasses}}; }

template <typename T, size_t n = kSizeClasses>
using PerClass = ArrayBy<SizeClass, T, n>;

constexpr size_t StrideOf(SizeClass c) { return size_class_internal::kStrides.stride[c.value()]; }
constexpr size_t UsableOf(SizeClass c) { return StrideOf(c) - kTagBytes; }
constexpr bool IsRegular(SizeClass c) { return size_class_internal::kStrides.regular[c.value()]; }

// Pages of long slots have fewer than 256: the rest of their bitmap is born taken. Else one page
// of each class would take up more address space than small processes have in all.
inline constexpr size_t kLongestPageOfSlots = 512 * kKiB;
constexpr SlotCount SlotsOf(SizeClass c) {
  const size_t most = kLongestPageOfSlots / StrideOf(c);
  const size_t slots = IsRunClass(c) ? kSlotsPerPage : Min(kSlotsPerPage, most);
  return SlotCount(static_cast<unsigned>(slots));
}
constexpr size_t PageBytesOf(SizeClass c) { return RoundUp(SlotsOf(c) * StrideOf(c), kPageUnit); }

static_assert(kBlockAlignment * kSlotsPerPage == kPageUnit, "the shortest page is one unit");

// The largest requests of the two look-up tables.
constexpr size_t kLargestSmall = 1024 + kBlockAlignment - kTagBytes;
constexpr size_t kLargestMedium =
    size_class_internal::kLargestEighth + size_class_internal::kOffset - kTagBytes;

namespace size_class_internal {

// Index of a request in the small table (an entry for each 16 bytes) and the medium one (one for
// each 128 bytes: no two regular strides above 1040 are nearer than that).
constexpr size_t kMediumUnit = 128;
constexpr size_t SmallIndex(size_t n) {
  return (n + kTagBytes + kBlockAlignment - 1) / kBlockAlignment;
}
constexpr size_t MediumIndex(size_t n) {
  return (n + kTagBytes - kOffset + kMediumUnit - 1) / kMediumUnit;
}

struct Tables {
  uint16_t small[SmallIndex(kLargestSmall) + 1] = {};
  uint8_t medium[MediumIndex(kLargestMedium) + 1] = {};
};

constexpr Tables MakeTables() {
  Tables tables;
  SizeClass c = kSmallestClass;
  for (size_t i = 0; i <= SmallIndex(kLargestSmall); ++i) {
    while (!IsRegular(c) || StrideOf(c) < i * kBlockAlignment) ++c;
    tables.small[i] = static_cast<uint16_t>(c.value());
  }
  c = kSmallestClass;
  for (size_t i = 0; i <= MediumIndex(kLargestMedium); ++i) {
    while (!IsRegular(c) || StrideOf(c) < i * kMediumUnit + kOffset) ++c;
    tables.medium[i] = static_cast<uint8_t>(c.value());
  }
  return tables;
}

inline constexpr Tables kTables = MakeTables();

}  // namespace size_class_internal

// REQUIRES: n <= kLargestSmall.
constexpr SizeClass SmallClassOf(size_t n) {
  return SizeClass(size_class_internal::kTables.small[size_class_internal::SmallIndex(n)]);
}

// REQUIRES: kLargestSmall < n <= kLargestMedium.
constexpr SizeClass MediumClassOf(size_t n) {
  return SizeClass(size_class_internal::kTables.medium[size_class_internal::MediumIndex(n)]);
}

// REQUIRES: n <= kLargestMedium.
constexpr SizeClass ClassOf(size_t n) {
  return n <= kLargestSmall ? SmallClassOf(n) : MediumClassOf(n);
}

constexpr size_t kLargestSlotAlignment = kPageUnit;
constexpr SizeClass kNoClass{~0U};

// The first class whose slots hold n bytes and are all aligned; kNoClass when there is none.
// REQUIRES: n <= kLargestMedium, alignment a power of two.
constexpr SizeClass AlignedClassOf(size_t n, size_t alignment) {
  if (alignment > kLargestSlotAlignment) return kNoClass;
  const size_t least = Max(n + kTagBytes, alignment) - kTagBytes;
  SizeClass c = ClassOf(least);
  // Back over the aligned classes that ClassOf passes over.
  while (c > kSmallestClass && UsableOf(c - 1) >= least) --c;
  for (; c < kFirstRunClass; ++c) {
    if (StrideOf(c) % alignment == 0 && UsableOf(c) >= n) return c;
  }
  return kNoClass;
}

// How a longer block lies in a page: as so many slots.
struct RunFit {
  SizeClass size_class = kNoClass;
  SlotCount slots = kNoSlots;
};

// As many as malloc asks for, and as realloc lets one grow: four such runs lie in a page.
inline constexpr SlotCount kMostRunSlots{63};

// Those of osmem/: what is longer than kMostRunSlots of the first has slots of the second.
inline constexpr SizeClass kOsmemShortRuns = kFirstRunClass;
inline constexpr SizeClass kOsmemLongRuns = kFirstRunClass + 1;
constexpr bool IsOsmemClass(SizeClass c) { return c == kOsmemShortRuns || c == kOsmemLongRuns; }

// The run classes that malloc's blocks go to by their length alone, an aligned one behind each; and
// behind both of them those of slots twice as long, where they may pack better (BetterPackedOf).
inline constexpr SizeClass kShortRuns = kFirstRunClass + size_class_internal::kOsmemRunCount;
inline constexpr SizeClass kLongRuns = kShortRuns + size_class_internal::kRunUnitCount;

// How many slots of class c n bytes need.
constexpr size_t SlotsFor(SizeClass c, size_t n) {
  return (n + kTagBytes + StrideOf(c) - 1) / StrideOf(c);
}
constexpr RunFit RunIn(SizeClass c, size_t n) {
  return {c, SlotCount(static_cast<unsigned>(SlotsFor(c, n)))};
}

// The run for n bytes with an alignment; no slots if there is none.
// REQUIRES: alignment a power of two.
constexpr RunFit RunFor(size_t n, size_t alignment) {
  if (alignment > kLargestSlotAlignment) return {};
  for (SizeClass c : {kShortRuns, kLongRuns}) {
    if (alignment > kBlockAlignment) ++c;
    if (n <= kMostRunSlots * StrideOf(c) - kTagBytes) return RunIn(c, n);
  }
  return {};
}

// Without an alignment.
inline constexpr size_t kLargestRun = kMostRunSlots * StrideOf(kLongRuns) - kTagBytes;

// Whether a page full of such runs has less than an eighth unused.
constexpr bool PacksWell(SlotCount slots) {
  constexpr unsigned kInPage = kSlotsPerPage - 1;  // the header takes one
  return kInPage % slots.value() < kInPage / 8;
}

// A run that RunFor gave, in slots twice as long: those pack well.
constexpr RunFit BetterPackedOf(RunFit run, size_t n) { return RunIn(run.size_class + 2, n); }

}  // namespace mymalloc

#endif  // MYMALLOC_PAGE_SIZE_CLASS_H_
