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
    {"double_free", {"small_at_once", Passes()}, {"ignore", "on_error=ignore"}},
    {"broken_tag", {"small_1_byte", Passes()}, {"ignore", "on_error=ignore"}},
};

TEST_P(MisuseTest, EndsAsPromised) { Check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Cases, MisuseTest, testing::ValuesIn(kRuns), NameOf);

}  // namespace
}  // namespace mymalloc::test
