// Use after free, and past the end of large blocks: programs/write_after_free.c has the cases.

#include "tests/misuse/misuse_test.h"

namespace mymalloc::test {
namespace {

const Expectation kFound = Reports(kWriteAfterFree).Block("free").FoundLater();

const Case kCases[] = {
    {"small_first_byte", NotPromised(), kFound.Overwritten("1 byte, from offset 0 on: a7")},
    {"small_second_word", NotPromised(), kFound},
    {"small_last_byte", NotPromised(), kFound},
    {"medium_first_byte", NotPromised(), kFound},
    {"medium_last_byte", NotPromised(), kFound},
    {"large_first_byte", NotPromised(), kFound},
    {"large_last_byte", NotPromised(), kFound.Overwritten("1 byte, from offset 102399 on: a7")},
    {"mebibyte_last_byte", NotPromised(), kFound},
    {"small_at_exit", NotPromised(), kFound.AtExit()},
    {"medium_at_exit", NotPromised(), kFound.AtExit()},
    {"large_at_exit", NotPromised(), kFound.AtExit()},
    {"small_freed_on_another_thread", NotPromised(), kFound},
    {"small_never_makes_malloc_return_an_address", Passes(), NotPromised()},
    {"medium_never_makes_malloc_return_an_address", Passes(), NotPromised()},
    {"large_read", NotPromised(), Faults(kUseAfterFree).Block("free").By("load")},
    {"large_write", NotPromised(), Faults(kUseAfterFree).Block("free").By("store")},
    {"huge_write", NotPromised(), Faults(kUseAfterFree).Block("free").By("store")},
    {"large_past_its_end", NotPromised(), Faults(kPastEnd).Block("live").By("store")},
    {"large_read_past_its_end", NotPromised(), Faults(kPastEnd).Block("live").By("load")},
    {"huge_past_its_end", NotPromised(), Faults(kPastEnd).Block("live").By("store")},
    {"large_before_its_start", NotPromised(), Faults(kBeforeStart).Block("live").By("store")},
    {"past_a_run_of_blocks", NotPromised(), Faults(kPastRun).Block("*").By("store")},
    {"small_is_overwritten", NotPromised(), Passes()},
    {"small_is_not_reused_at_once", NotPromised(), Passes()},
    {"medium_is_not_reused_at_once", NotPromised(), Passes()},
    {"order_is_random", NotPromised(), Passes()},
};

MISUSE_TEST("write_after_free", kCases, kModes);

}  // namespace
}  // namespace mymalloc::test
