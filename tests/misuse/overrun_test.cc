// One byte too far, within the block's slot: programs/overrun.c has the cases.

#include "tests/misuse/misuse_test.h"

namespace mymalloc::test {
namespace {

Case Found(const char* name, const Expectation& expected) {
  return {name, NotPromised(), expected};
}
const Expectation kFound = Reports(kOverrun).Block("live");

const Case kCases[] = {
    Found("smallest", kFound.Overwritten("1 byte, from offset 1 on: 79 \"y\"")),
    Found("nothing_asked_for", kFound),
    Found("small", kFound),
    Found("small_by_nul", kFound.Overwritten("1 byte, from offset 20 on: 00")),
    Found("small_by_newline", kFound.Overwritten("1 byte, from offset 150 on: 0a")),
    Found("small_by_ones", kFound),
    Found("medium", kFound),
    Found("medium_by_nul", kFound),
    Found("over_32_kib", kFound),
    Found("large", kFound.Overwritten("1 byte, from offset 5242880 on: 79 \"y\"")),
    Found("large_by_nul", kFound),
    Found("huge", kFound.Overwritten("1 byte, from offset 67108864 on: 79 \"y\"")),
    Found("cleared", kFound),
    Found("aligned", kFound),
    Found("page_aligned", kFound),
    Found("grown", kFound),
    Found("grown_where_it_is", kFound),
    Found("shrunk_where_it_is", kFound),
    Found("large_shrunk", kFound),
    Found("large_grown", kFound),
    Found("far_behind", kFound.Overwritten("1 byte, from offset 5100 on: 79 \"y\"")),
    Found("at_realloc", kFound.By("realloc").Overwritten("1 byte, from offset 100 on: 79 \"y\"")),
    Found("by_a_word", kFound.Overwritten("5 bytes, from offset 50 on: 68 65 6c 6c 6f \"hello\"")),
    Found("by_much",
          kFound.Overwritten("100 bytes, from offset 5000 on: 7a 7a 7a 7a 7a 7a 7a 7a 7a 7a 7a 7a "
                             "7a 7a 7a 7a ... \"zzzzzzzzzzzzzzzz\"")),
    Found("at_realloc_where_it_is", kFound.By("realloc")),
    Found("large_at_realloc", kFound.By("realloc")),
    Found("on_another_thread", kFound),
    Found("small_at_exit", kFound.AtExit().Overwritten("1 byte, from offset 100 on: 79 \"y\"")),
    Found("medium_at_exit", kFound.AtExit()),
    Found("large_at_exit", kFound.AtExit()),
    Found("of_a_thread_that_ended_at_exit", kFound.AtExit()),
};

MISUSE_TEST("overrun", kCases, kModes);

}  // namespace
}  // namespace mymalloc::test
