// What a program gets that can read tags (docs/security.md states it): programs/reader.c solves for
// the secrets.

#include "tests/misuse/misuse_test.h"

namespace mymalloc::test {
namespace {

const Case kCases[] = {
    {"block_forged_inside_another", Passes(), Reports(kInside).Block("live")},
    {"forged_block_is_handed_out", Passes(), NotPromised()},
    {"block_made_live_again", Passes(), NotPromised()},
    {"tag_copied_to_the_next_block",
     Reports(kBrokenTag).Block("live").MadeBy("").Culprit("live").AndMore()},
};

MISUSE_TEST("reader", kCases, kModes);

}  // namespace
}  // namespace mymalloc::test
