// A double free wherever it may happen: programs/circumstances.cc has the cases.

#include "tests/misuse/misuse_test.h"

namespace mymalloc::test {
namespace {

const Expectation kTwice = Reports(kDoubleFree).Block("free");
const Expectation kSampledTwice = kTwice.Knows({"freed", "allocated"});

Case FoundIn(const char* circumstance) { return {circumstance, kTwice, kTwice, kSampledTwice}; }

const Case kCases[] = {
    FoundIn("in_main"),
    FoundIn("errno_stays"),
    FoundIn("in_a_signal_handler"),
    FoundIn("on_a_signal_stack"),
    FoundIn("with_abort_blocked"),
    FoundIn("with_abort_ignored"),
    FoundIn("with_an_abort_handler_that_returns"),
    FoundIn("with_an_abort_handler_that_allocates"),
    FoundIn("with_an_abort_handler_that_needs_another_thread"),
    FoundIn("with_a_callback_that_allocates"),
    FoundIn("in_atexit"),
    FoundIn("in_a_destructor_at_exit"),
    FoundIn("in_a_thread_local_destructor_at_exit"),
    FoundIn("in_a_thread_local_destructor"),
    FoundIn("in_a_thread_specific_destructor"),
    FoundIn("in_the_last_round_of_destructors"),
    FoundIn("in_a_forked_child"),
    FoundIn("of_a_block_freed_before_the_fork"),
    FoundIn("in_a_child_forked_from_a_thread"),
    FoundIn("on_another_thread"),
    FoundIn("on_a_thread_with_the_smallest_stack"),
    FoundIn("under_a_lock_of_the_programs_own"),
    FoundIn("while_an_exception_is_handled"),
    FoundIn("before_main"),
};

MISUSE_TEST("circumstances", kCases, kAllModes);

}  // namespace
}  // namespace mymalloc::test
