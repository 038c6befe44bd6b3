// Pointers that malloc never returned: programs/bad_pointer.c has the cases.

#include "tests/misuse/misuse_test.h"

namespace mymalloc::test {
namespace {

const Expectation kInsideLive = Reports(kInside).Block("live");

const Case kCases[] = {
    {"small_plus_1", kInsideLive},
    {"small_plus_8", kInsideLive},
    {"small_plus_16", kInsideLive},
    {"small_middle", kInsideLive},
    {"medium_plus_1", kInsideLive},
    {"medium_plus_8", kInsideLive},
    {"medium_plus_16", kInsideLive},
    {"medium_middle", kInsideLive},
    {"medium_page", kInsideLive},
    {"large_plus_1", kInsideLive},
    {"large_plus_8", kInsideLive},
    {"large_plus_16", kInsideLive},
    {"large_middle", kInsideLive},
    {"large_page", kInsideLive},
    {"huge_middle", kInsideLive},
    {"small_last_byte", kInsideLive},
    {"medium_last_byte", kInsideLive},
    {"large_last_byte", kInsideLive},
    {"small_end", Reports(kBeside).Block("live")},
    {"medium_end", Reports(kBeside).Block("live")},
    {"large_end", Reports(kBeside).Block("live")},
    {"large_end_with_nothing_behind", Reports(kBeside).Block("live")},
    {"large_before", Reports(kBeside).Block("live")},
    {"inside_a_freed_small_block", Reports(kInsideFree).Block("free")},
    {"inside_a_freed_medium_block", Reports(kInsideFree).Block("free")},
    // Others may have its memory at once, but in the hardened mode.
    {"inside_a_freed_large_block", Reports(kGone), Reports(kInsideFreedLarge).Block("free")},
    {"inside_on_another_thread", kInsideLive},
    {"moved_on", kInsideLive},
    {"on_the_stack", Reports(kForeign)},
    {"on_the_stack_misaligned", Reports(kForeign)},
    {"on_the_stack_of_a_thread", Reports(kForeign)},
    {"argument_vector", Reports(kForeign)},
    {"environment", Reports(kForeign)},
    {"global", Reports(kForeign)},
    {"constant", Reports(kForeign)},
    {"string_literal", Reports(kForeign)},
    {"thread_local", Reports(kForeign)},
    {"code", Reports(kForeign)},
    {"libc_code", Reports(kForeign)},
    {"libc_data", Reports(kForeign)},
    {"null_page", Reports(kForeign)},
    {"unmapped", Reports(kForeign)},
    {"unreadable", Reports(kForeign)},
    {"own_mapping", Reports(kForeign)},
    {"inside_own_mapping", Reports(kForeign)},
    {"break_area", Reports(kForeign)},
    {"forged_in_break_area", Reports(kForeign)},
    {"forged_in_break_area_and_free", Reports(kForeign)},
    {"forged_in_own_mapping", Reports(kForeign)},
    {"forged_in_own_mapping_past_its_end", Reports(kForeign)},
    {"forged_of_another_arena", Reports(kForeign)},
    {"forged_before_a_chunk", Reports(kForeign)},
    {"kernel_half", Reports(kForeign)},
    {"no_address", Reports(kForeign)},
    {"all_ones", Reports(kForeign)},
    {"minus_16", Reports(kForeign)},
    // With slots in random order it cannot be told from one that was freed.
    {"inside_never_handed_out", Reports(kNeverHandedOut).Block("never handed out"), NotPromised()},
    {"never_handed_out", Reports(kNeverHandedOut).Block("never handed out"), NotPromised()},
    {"far_from_any_block", Reports(kForeign)},
    {"realloc_inside", kInsideLive.By("realloc")},
    {"realloc_inside_large", kInsideLive.By("realloc")},
    {"realloc_on_the_stack", Reports(kForeign).By("realloc")},
    {"reallocarray_global", Reports(kForeign).By("reallocarray")},
    {"usable_size_inside", kInsideLive.By("malloc_usable_size")},
    {"usable_size_of_a_literal", Reports(kForeign).By("malloc_usable_size")},
};

MISUSE_TEST("bad_pointer", kCases, kModes);

}  // namespace
}  // namespace mymalloc::test
