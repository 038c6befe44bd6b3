// Tags that are not as they were written: programs/broken_tag.c has the cases.

#include "tests/misuse/misuse_test.h"

namespace mymalloc::test {
namespace {

// What is left as it is may be found once more, as the process ends.
const Expectation kLargeTag = Reports(kBrokenTag).Block("live").AndMore();
const Expectation kTag = kLargeTag.MadeBy("");  // that would say it

const Expectation kFreeTag = Reports(kBrokenFreeTag)
                                 .Block("free")
                                 .MadeBy("")
                                 .FoundLater()
                                 .AndMore()
                                 .Tells(Expectation::kNotTold);

const Case kCases[] = {
    {"small_1_byte_found_behind", kTag.Culprit("live")},
    {"small_2_bytes_found_behind", kTag.Culprit("live")},
    {"small_3_bytes_found_behind", kTag.Culprit("live")},
    {"small_8_bytes_found_behind", kTag.Culprit("live")},
    {"small_100_bytes_found_behind", kTag.Culprit("live")},
    {"medium_1_byte_found_behind", kTag.Culprit("live")},
    {"medium_8_bytes_found_behind", kTag.Culprit("live")},
    {"medium_100_bytes_found_behind", kTag.Culprit("live")},
    {"small_1_byte", Reports(kOverrun).Block("live").AndMore()},
    {"small_8_bytes", Reports(kOverrun).Block("live").AndMore()},
    {"small_100_bytes", Reports(kOverrun).Block("live").AndMore()},
    {"medium_1_byte", Reports(kOverrun).Block("live").AndMore()},
    {"medium_8_bytes", Reports(kOverrun).Block("live").AndMore()},
    {"medium_100_bytes", Reports(kOverrun).Block("live").AndMore()},
    {"nul_behind_smallest", Reports(kOverrun).Block("live").AndMore()},
    {"nul_behind_small",
     Reports(kOverrun).Block("live").AndMore().Overwritten("1 byte, from offset 24 on: 00"),
     Reports(kOverrun).Block("live").AndMore()},
    {"nul_behind_medium", Reports(kOverrun).Block("live").AndMore()},
    {"string_copied", Reports(kOverrun).Block("live").AndMore()},
    {"zeros_found_behind", kTag.Culprit("live")},
    {"small_at_realloc", Reports(kOverrun).Block("live").AndMore().By("realloc")},
    {"small_found_behind_at_realloc", kTag.Culprit("live").By("realloc")},
    {"medium_found_behind_at_realloc", kTag.Culprit("live").By("realloc")},
    {"found_behind_at_usable_size", kTag.Culprit("live").By("malloc_usable_size")},
    {"small_underrun_1_byte", kTag.Culprit("live")},
    {"small_underrun_4_bytes", kTag.Culprit("live")},
    {"small_underrun_8_bytes", kTag.Culprit("live")},
    {"medium_underrun_1_byte", kTag.Culprit("live")},
    {"medium_underrun_8_bytes", kTag.Culprit("live")},
    {"large_underrun_1_byte", kLargeTag},
    {"large_underrun_8_bytes", kLargeTag},
    {"large_underrun_at_realloc", kLargeTag.By("realloc")},
    {"large_1_byte", Reports(kOverrun).Block("live")},
    {"large_aligned_1_byte", Reports(kOverrun).Block("live")},
    {"huge_1_byte", Reports(kOverrun).Block("live")},
    {"large_at_realloc", Reports(kOverrun).Block("live").By("realloc").AndMore()},
    {"small_found_on_another_thread", Reports(kOverrun).Block("live").AndMore()},
    {"small_found_behind_on_another_thread", kTag.Culprit("live")},
    {"small_into_a_free_block", Reports(kOverrun).Block("live").AndMore()},
    {"medium_into_a_free_block", Reports(kOverrun).Block("live").AndMore()},
    {"small_into_a_block_freed_elsewhere", Reports(kOverrun).Block("live").AndMore()},
    {"small_into_a_free_slot", NotPromised(), kFreeTag},
    {"zeros_into_a_free_slot", NotPromised(), kFreeTag},
    {"found_two_behind", NotPromised()},  // but with check_neighbours: option_test.cc
    {"small_never_freed", Passes(), Reports(kOverrun).Block("live").AtExit()},
    {"tag_of_another_block", kTag.Culprit("live")},
    {"tag_copied_inside", Reports(kInside).Block("live")},
    {"tag_copied_into_large", Reports(kInside).Block("live")},
    {"tag_of_large_copied_inside", Reports(kInside).Block("live")},
    {"tag_copied_to_the_stack", Reports(kForeign)},
};

MISUSE_TEST("broken_tag", kCases, kModes);

}  // namespace
}  // namespace mymalloc::test
