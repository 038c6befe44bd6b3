// Prints docs/size_classes.md: bazel run //tools:size_classes >docs/size_classes.md

#include <cstdio>

#include "mymalloc/page/size_class.h"

namespace mymalloc {
namespace {

double Percent(size_t part, size_t whole) {
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

// The smallest request that has this regular class: one more than fits in the one below.
size_t SmallestRequestOf(SizeClass c) {
  for (SizeClass below = c; below-- > 0;) {
    if (IsRegular(below)) return UsableOf(below) + 1;
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
  for (SizeClass c = 0; c < kSizeClasses; ++c) {
    if (!IsRegular(c)) continue;
    const size_t smallest = SmallestRequestOf(c);
    std::printf("| %u | %zu | %zu-%zu | %.1f%% | %zu KiB |\n", c, StrideOf(c), smallest,
                UsableOf(c), Percent(StrideOf(c) - smallest, StrideOf(c)), PageBytesOf(c) / kKiB);
  }
}

void PrintAligned() {
  std::printf(
      "| class | stride | usable | aligned to | page |\n"
      "|---:|---:|---:|---:|---:|\n");
  for (SizeClass c = 1; c < kSizeClasses; ++c) {
    if (IsRegular(c)) continue;
    std::printf("| %u | %zu | %zu | %zu | %zu KiB |\n", c, StrideOf(c), UsableOf(c), AlignmentOf(c),
                PageBytesOf(c) / kKiB);
  }
}

void PrintAll() {
  std::printf(
      "# Size classes\n\n"
      "Made by `bazel run //tools:size_classes >docs/size_classes.md`; a test sees to it that it "
      "is up "
      "to date.\n\n"
      "A slot of stride *s* holds a block of *s* - %zu bytes: the rest is the tag of the next "
      "slot. A "
      "page has %zu slots.\n\n"
      "## Regular: for requests without an alignment\n\n"
      "Waste is what of the slot the smallest request of the class does not use, its tag "
      "included.\n\n",
      kTagBytes, kSlotsPerPage);
  PrintRegular();
  std::printf(
      "\n## Aligned: for requests with an alignment above %zu\n\n"
      "Such a request takes the smallest class, of these and the regular ones, whose stride is a "
      "multiple of the alignment.\n\n",
      kGranule);
  PrintAligned();
}

}  // namespace
}  // namespace mymalloc

int main() { mymalloc::PrintAll(); }
