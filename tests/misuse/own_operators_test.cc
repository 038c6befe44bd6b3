// A program's own operators are no misuse: programs/own_operators.cc has the cases.

#include "tests/misuse/misuse_test.h"

namespace mymalloc::test {
namespace {

const Case kCases[] = {
    {"objects", Passes()},
    {"containers", Passes()},
};

MISUSE_TEST("own_operators", kCases, kAllModes);

}  // namespace
}  // namespace mymalloc::test
