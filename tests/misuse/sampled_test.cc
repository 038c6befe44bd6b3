// Sampled blocks: programs/sampled.c has the cases.

#include "tests/misuse/misuse_test.h"

namespace mymalloc::test {
namespace {

const std::vector<std::string> kLife = {"allocated"};
const std::vector<std::string> kLifeAndDeath = {"freed", "allocated"};

Expectation Live(const Complaint& complaint) {
  return Faults(complaint).Block("live").Knows(kLife);
}
Expectation Freed(const Expectation& expectation) {
  return expectation.Block("free").Knows(kLifeAndDeath);
}

const Case kCases[] = {
    {"write_past_the_end", Live(kPastEnd).By("store")},
    {"read_past_the_end", Live(kPastEnd).By("load")},
    {"write_before_the_start", Live(kBeforeStart).By("store")},
    {"write_after_free", Freed(Faults(kUseAfterFree)).By("store")},
    {"read_after_free", Freed(Faults(kUseAfterFree)).By("load")},
    {"read_after_realloc", Freed(Faults(kUseAfterFree)).By("load")},
    {"overrun_found_at_free", Reports(kMarginBehind).Block("live").Knows(kLife)},
    {"underrun_found_at_free", Reports(kMarginBefore).Block("live").Knows(kLife)},
    {"overrun_with_an_abort_handler_that_allocates",
     Reports(kMarginBehind).Block("live").Knows(kLife)},
    {"realloc_with_an_abort_handler_that_allocates",
     Reports(kInsideOrBeside).Block("live").Knows(kLife).By("realloc")},
    {"free_twice", Freed(Reports(kDoubleFree))},
    {"free_inside", Reports(kInsideOrBeside).Block("live").Knows(kLife)},
    {"realloc_after_free", Freed(Reports(kDoubleFree)).By("realloc")},
    {"right_use", Passes()},
};

MISUSE_TEST("sampled", kCases, kSampled);

}  // namespace
}  // namespace mymalloc::test
