// Prints docs/size_classes.md: bazel run //tools:size_classes >docs/size_classes.md

#include <cstdio>

#include "mymalloc/page/size_class.h"
#include "tools/size_class_waste.h"

namespace mymalloc {
namespace {

double Percent(size_t part, size_t whole) {
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

// The smallest request that has this regular class: one more than fits in the one below.
size_t SmallestRequestOf(SizeClass c) {
  for (SizeClass below = c; below > kSmallestClass;) {
    if (IsRegular(--below)) return UsableOf(below) + 1;
  }
  return 0;
}

size_t AlignmentOf(SizeClass c) {
  size_t alignment = StrideOf(c) & (~StrideOf(c) + 1);
  return alignment < kLargestSlotAlignment ? alignment : kLargestSlotAlignment;
}

void PrintRegular() {
  std::printf(
      "| class | stride | requests | waste of the smallest | page |\n"
      "|---:|---:|---:|---:|---:|\n");
  for (const SizeClass c : EachSizeClass()) {
    if (!IsRegular(c)) continue;
    const size_t smallest = SmallestRequestOf(c);
    std::printf("| %u | %zu | %zu-%zu | %.1f%% | %zu KiB |\n", c.value(), StrideOf(c), smallest,
                UsableOf(c), Percent(StrideOf(c) - smallest, StrideOf(c)), PageBytesOf(c) / kKiB);
  }
}

void PrintAligned() {
  std::printf(
      "| class | stride | usable | aligned to | page |\n"
      "|---:|---:|---:|---:|---:|\n");
  for (SizeClass c{1}; c < kFirstRunClass; ++c) {
    if (IsRegular(c)) continue;
    std::printf("| %u | %zu | %zu | %zu | %zu KiB |\n", c.value(), StrideOf(c), UsableOf(c),
                AlignmentOf(c), PageBytesOf(c) / kKiB);
  }
}

void PrintRuns() {
  std::printf(
      "| class | stride | longest block | aligned to | page |\n"
      "|---:|---:|---:|---:|---:|\n");
  for (const SizeClass c : EachRunClass()) {
    std::printf("| %u | %zu | %zu | %zu | %zu KiB |\n", c.value(), StrideOf(c),
                kMostRunSlots * StrideOf(c) - kTagBytes, AlignmentOf(c), PageBytesOf(c) / kKiB);
  }
}

// The request of this range and alignment that wastes most.
struct Worst {
  double waste = 0;
  size_t n = 0;
  size_t alignment = 1;

  void Try(const WasteBound& range, size_t align) {
    for (size_t candidate = range.smallest; candidate <= range.largest; ++candidate) {
      const SizeClass c =
          align <= kBlockAlignment ? ClassOf(candidate) : AlignedClassOf(candidate, align);
      if (c == kNoClass || WasteOf(candidate, align, c) <= waste) continue;
      *this = {WasteOf(candidate, align, c), candidate, align};
    }
  }
};

void PrintWaste() {
  std::printf(
      "| requests | at most | the worst | aligned: at most | the worst |\n"
      "|---:|---:|---:|---:|---:|\n");
  for (const WasteBound& range : kWasteBounds) {
    Worst regular;
    Worst aligned;
    regular.Try(range, kBlockAlignment);
    for (size_t a = 2 * kBlockAlignment; a <= kLargestSlotAlignment; a *= 2) aligned.Try(range, a);
    std::printf("| %zu-%zu | %.1f%% | %.1f%%, of %zu | %.1f%% | %.1f%%, of %zu aligned to %zu |\n",
                range.smallest, range.largest, 100 * range.regular, 100 * regular.waste, regular.n,
                100 * range.aligned, 100 * aligned.waste, aligned.n, aligned.alignment);
  }
}

void PrintAll() {
  std::printf(
      "# Size classes\n\n"
      "Made by `bazel run //tools:size_classes >docs/size_classes.md`; a test sees to it that it "
      "is up "
      "to date.\n\n"
      "A slot of stride *s* holds a block of *s* - %zu bytes: the rest is the tag of the next "
      "slot. A page has %zu slots, or as many as fit into %zu KiB if those are fewer; pages of "
      "runs have %zu.\n\n"
      "## Regular: for requests without an alignment\n\n"
      "Waste is what of the slot the smallest request of the class does not use, its tag "
      "included.\n\n",
      kTagBytes, kSlotsPerPage, kLongestPageOfSlots / kKiB, kSlotsPerPage);
  PrintRegular();
  std::printf(
      "\n## Aligned: for requests with an alignment above %zu\n\n"
      "Such a request takes the smallest class, of these and the regular ones, whose stride is a "
      "multiple of the alignment.\n\n",
      kBlockAlignment);
  PrintAligned();
  std::printf(
      "\n## Runs: for longer blocks\n\n"
      "Such a block is a run of up to %u slots that follow each other, and has one tag. Requests "
      "with an alignment above %zu, up to %zu, take the strides that are multiples of it. "
      "The first two are libosmem.so's alone, all of whose blocks are runs, be they a slot long. "
      "Of each two others so aligned the longer is for blocks of which pages of the shorter "
      "would be left unused for an eighth or more, once there is much.\n\n",
      kMostRunSlots.value(), kBlockAlignment, kLargestSlotAlignment);
  PrintRuns();
  std::printf(
      "\n## How much is wasted at most\n\n"
      "Of a slot, beyond the tag and rounding to the alignment, which is at least %zu. "
      "`//tests/page:size_class_test` holds every request against these bounds.\n\n",
      kBlockAlignment);
  PrintWaste();
}

}  // namespace
}  // namespace mymalloc

int main() { mymalloc::PrintAll(); }
