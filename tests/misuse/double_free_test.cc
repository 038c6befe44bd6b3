// Double frees, in C: programs/double_free.c has the cases.

#include "tests/misuse/misuse_test.h"

namespace mymalloc::test {
namespace {

const Expectation kTwice = Reports(kDoubleFree).Block("free");

const Case kCases[] = {
    {"smallest_at_once", kTwice},
    {"small_at_once", kTwice},
    {"medium_at_once", kTwice},
    {"largest_medium_at_once", kTwice},
    {"large_at_once", kTwice},
    {"huge_at_once", kTwice},
    {"cleared", kTwice},
    {"cleared_large", kTwice},
    {"aligned_64", kTwice},
    {"aligned_4096", kTwice},
    {"aligned_megabyte", kTwice},
    {"posix_aligned", kTwice},
    {"page_aligned", kTwice},
    {"duplicated_string", kTwice},
    {"small_after_others", kTwice},
    {"medium_after_others", kTwice},
    {"small_after_many_frees", kTwice},
    {"medium_after_many_frees", kTwice},
    // What was free longest is gone; in the hardened mode the tags cannot be read.
    {"medium_in_a_page_that_went", Reports(kDoubleFreeOfGone).Block("free"), Reports(kGone)},
    // Only the last ones are remembered.
    {"large_after_too_many_frees", Reports(kGone)},
    {"large_after_many_frees", kTwice},
    {"small_after_trim", Reports(kGone)},
    {"medium_after_trim", Reports(kGone)},
    {"large_after_trim", kTwice},
    {"small_in_a_purged_page", kTwice.Tells(Expectation::kPerhaps)},
    {"small_again_on_another_thread", kTwice},
    {"medium_again_on_another_thread", kTwice},
    {"large_again_on_another_thread", kTwice},
    {"small_by_its_owner_after_another", kTwice},
    {"medium_by_its_owner_after_another", kTwice},
    {"large_by_its_owner_after_another", kTwice},
    {"small_by_two_other_threads", kTwice},
    {"small_twice_on_another_thread", kTwice},
    {"medium_twice_on_another_thread", kTwice},
    {"small_on_its_way_home", kTwice},
    {"small_of_a_thread_that_ended", kTwice},
    {"small_after_realloc", kTwice},
    {"medium_after_realloc", kTwice},
    {"medium_after_realloc_to_large", kTwice},
    {"large_after_realloc_to_small", kTwice},
    {"after_realloc_to_nothing", kTwice},
    {"by_realloc_to_nothing", kTwice.By("realloc")},
};

MISUSE_TEST("double_free", kCases, kModes);

}  // namespace
}  // namespace mymalloc::test
