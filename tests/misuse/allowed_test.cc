// What is no misuse: programs/allowed.cc has the cases.

#include "tests/misuse/misuse_test.h"

namespace mymalloc::test {
namespace {

const Case kCases[] = {
    {"null", Passes()},
    // In the hardened mode mismatch_test has them.
    {"malloc_and_delete", Passes(), NotPromised()},
    {"new_and_free", Passes(), NotPromised()},
    {"new_and_delete_array", Passes(), NotPromised()},
    {"aligned_and_plain_delete", Passes(), NotPromised()},
    {"right_sizes", Passes()},
    {"right_alignments", Passes()},
    {"all_usable_bytes", Passes()},
    {"realloc_of_all_usable_bytes", Passes()},
    {"size_of_a_shrunk_block_without_memory", Passes()},
    {"freed_on_other_threads", Passes()},
    {"deleted_on_other_threads", Passes()},
    {"the_same_address_again", Passes()},
    {"libcs_own_block", Passes()},
    {"libcs_own_block_outside_the_break", Passes()},
};

MISUSE_TEST("allowed", kCases, kModes);

}  // namespace
}  // namespace mymalloc::test
