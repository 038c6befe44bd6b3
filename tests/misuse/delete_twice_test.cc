// Double deletes: programs/delete_twice.cc has the cases.

#include "tests/misuse/misuse_test.h"

namespace mymalloc::test {
namespace {

const Expectation kTwice = Reports(kDoubleFree).Block("free").MadeBy("operator new");

const Case kCases[] = {
    {"object", kTwice.By("operator delete")},
    {"integer", kTwice.By("operator delete")},
    {"array", kTwice.By("operator delete[]").MadeBy("operator new[]")},
    {"large_array", kTwice.By("operator delete[]").MadeBy("operator new[]")},
    {"without_a_size", kTwice.By("operator delete")},
    {"object_with_virtual_destructor", kTwice.By("operator delete")},
    {"over_aligned_object", kTwice.By("operator delete").MadeBy("operator new with an alignment")},
    {"nothrow", kTwice.By("operator delete")},
    {"freed_then_deleted", kTwice.By("operator delete"), NotPromised()},
    {"deleted_then_freed", kTwice},
    {"two_owners", kTwice.By("operator delete")},
    {"vector_and_delete", kTwice.By("operator delete")},
    {"string_and_free", kTwice},
    {"deleted_on_another_thread", kTwice.By("operator delete")},
};

MISUSE_TEST("delete_twice", kCases, kModes);

}  // namespace
}  // namespace mymalloc::test
