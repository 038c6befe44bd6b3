// Each option that hardens, by itself.

#include "tests/misuse/misuse_test.h"

namespace mymalloc::test {
namespace {

const Expectation kFound = Reports(kWriteAfterFree).Block("free").FoundLater();

const Run kRuns[] = {
    {"broken_tag",
     {"found_two_behind", Reports(kBrokenNeighbour).Block("live").Culprit("live")},
     {"check_neighbours", "check_neighbours=1"}},
    {"write_after_free", {"order_is_random", Passes()}, {"random_slots", "random_slots=1"}},
    {"write_after_free", {"small_first_byte", kFound}, {"quarantine", "quarantine=64K"}},
    {"write_after_free", {"medium_last_byte", kFound}, {"quarantine", "quarantine=64K"}},
    {"write_after_free",
     {"large_write", Faults(kUseAfterFree).Block("free").By("store")},
     {"quarantine", "quarantine=64K"}},
    {"write_after_free",
     {"small_is_not_reused_at_once", Passes()},
     {"quarantine", "quarantine=64K"}},
    {"write_after_free", {"small_is_overwritten", Passes()}, {"zero_on_free", "zero_on_free=1"}},
    {"write_after_free",
     {"large_past_its_end", Faults(kPastEnd).Block("live").By("store")},
     {"guard_pages", "guard_pages=1"}},
    {"write_after_free",
     {"large_before_its_start", Faults(kBeforeStart).Block("live").By("store")},
     {"guard_pages", "guard_pages=1"}},
    {"write_after_free",
     {"large_write", Faults(kUseAfterFree).Block("free").By("store")},
     {"guard_pages", "guard_pages=1"}},
    {"write_after_free",
     {"past_a_run_of_blocks", Faults(kPastRun).Block("*").By("store")},
     {"guard_pages", "guard_pages=1"}},
    {"overrun", {"small", Reports(kOverrun).Block("live")}, {"check_ends", "check_ends=1"}},
    {"overrun", {"large", Reports(kOverrun).Block("live")}, {"check_ends", "check_ends=1"}},
    {"overrun", {"large_grown", Reports(kOverrun).Block("live")}, {"check_ends", "check_ends=1"}},
    {"overrun", {"small_at_exit", Passes()}, {"check_ends", "check_ends=1"}},
    {"overrun",
     {"grown_where_it_is", Reports(kMarginBehind).Block("live").Knows({"allocated"})},
     {"check_ends_sampled", "check_ends=1:sample=1", false, false, true}},
    {"overrun",
     {"shrunk_where_it_is", Reports(kMarginBehind).Block("live").Knows({"allocated"})},
     {"check_ends_sampled", "check_ends=1:sample=1", false, false, true}},
    {"mismatch",
     {"free_of_new", Reports(kOfNew).Block("live").MadeBy("operator new")},
     {"check_ends", "check_ends=1"}},
    {"mismatch", {"free_of_new", Passes()}, {"no_check_kind", "harden=1:check_kind=0"}},
    {"overrun",
     {"small_at_exit", Reports(kOverrun).Block("live").AtExit()},
     {"check_at_exit", "check_ends=1:check_at_exit=1"}},
    {"write_after_free",
     {"medium_at_exit", kFound.AtExit()},
     {"check_at_exit", "quarantine=64K:check_at_exit=1"}},
    {"broken_tag",
     {"small_never_freed", Reports(kOverrun).Block("live").AtExit()},
     {"check_at_exit", "check_at_exit=1"}},
    {"allowed", {"deleted_on_other_threads", Passes()}, {"check_tree", "check_tree=1"}},
    {"allowed", {"deleted_on_other_threads", Passes()}, {"quarantine", "quarantine=64K"}},
    {"allowed", {"deleted_on_other_threads", Passes()}, {"checked", "checked=1"}},
    {"allowed", {"deleted_on_other_threads", Passes()}, {"some_sampled", "sample=100"}},
    {"double_free", {"small_at_once", Passes()}, {"ignore", "on_error=ignore"}},
    {"broken_tag", {"small_1_byte", Passes()}, {"ignore", "on_error=ignore"}},
};

TEST_P(MisuseTest, EndsAsPromised) { Check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Cases, MisuseTest, testing::ValuesIn(kRuns), NameOf);

}  // namespace
}  // namespace mymalloc::test
