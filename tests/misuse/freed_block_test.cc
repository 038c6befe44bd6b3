// Calls that are given a free block: programs/freed_block.c has the cases.

#include "tests/misuse/misuse_test.h"

namespace mymalloc::test {
namespace {

const Expectation kTwice = Reports(kDoubleFree).Block("free");

const Case kCases[] = {
    {"realloc_small", kTwice.By("realloc")},
    {"realloc_small_in_place", kTwice.By("realloc")},
    {"realloc_medium", kTwice.By("realloc")},
    {"realloc_large", kTwice.By("realloc")},
    {"realloc_huge", kTwice.By("realloc")},
    {"reallocarray_small", kTwice.By("reallocarray")},
    {"reallocarray_medium", kTwice.By("reallocarray")},
    {"reallocarray_large", kTwice.By("reallocarray")},
    {"usable_size_small", kTwice.By("malloc_usable_size")},
    {"usable_size_medium", kTwice.By("malloc_usable_size")},
    {"usable_size_large", kTwice.By("malloc_usable_size")},
    {"realloc_on_another_thread", kTwice.By("realloc")},
    {"realloc_after_another_thread", kTwice.By("realloc")},
    {"realloc_after_many_frees", kTwice.By("realloc")},
    {"realloc_by_the_old_pointer", kTwice.By("realloc")},
};

MISUSE_TEST("freed_block", kCases, kModes);

}  // namespace
}  // namespace mymalloc::test
