// A double free wherever it may happen: programs/circumstances.cc has the cases.

#include "tests/misuse/misuse_test.h"

namespace mymalloc::test {
namespace {

const Expectation kTwice = Reports(kDoubleFree).Block("free");

const Case kCases[] = {
    {"in_main", kTwice},
    {"errno_stays", kTwice},
    {"in_a_signal_handler", kTwice},
    {"on_a_signal_stack", kTwice},
    {"with_abort_blocked", kTwice},
    {"with_abort_ignored", kTwice},
    {"with_an_abort_handler_that_returns", kTwice},
    {"with_an_abort_handler_that_allocates", kTwice},
    {"in_atexit", kTwice},
    {"in_a_destructor_at_exit", kTwice},
    {"in_a_thread_local_destructor_at_exit", kTwice},
    {"in_a_thread_local_destructor", kTwice},
    {"in_a_thread_specific_destructor", kTwice},
    {"in_the_last_round_of_destructors", kTwice},
    {"in_a_forked_child", kTwice},
    {"of_a_block_freed_before_the_fork", kTwice},
    {"in_a_child_forked_from_a_thread", kTwice},
    {"on_another_thread", kTwice},
    {"on_a_thread_with_the_smallest_stack", kTwice},
    {"under_a_lock_of_the_programs_own", kTwice},
    {"while_an_exception_is_handled", kTwice},
    {"before_main", kTwice},
};

MISUSE_TEST("circumstances", kCases, kModes);

}  // namespace
}  // namespace mymalloc::test
