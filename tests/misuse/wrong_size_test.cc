// Sizes and alignments that cannot be right: programs/wrong_size.cc has the cases.

#include "tests/misuse/misuse_test.h"

namespace mymalloc::test {
namespace {

const Expectation kWrong = Reports(kWrongSize).Block("live").Given("size");
const Expectation kWrongAlignment = Reports(kWrongSize).Block("live").Given("alignment");

const Case kCases[] = {
    {"delete_smaller", kWrong.By("operator delete").MadeBy("operator new")},
    {"delete_larger", kWrong.By("operator delete").MadeBy("operator new")},
    {"delete_larger_than_small", kWrong.By("operator delete").MadeBy("operator new")},
    {"delete_larger_than_medium", kWrong.By("operator delete").MadeBy("operator new")},
    {"delete_medium_smaller", kWrong.By("operator delete").MadeBy("operator new")},
    {"delete_medium_larger", kWrong.By("operator delete").MadeBy("operator new")},
    {"delete_large_smaller", kWrong.By("operator delete").MadeBy("operator new")},
    {"delete_large_by_half", kWrong.By("operator delete").MadeBy("operator new")},
    {"delete_large_larger", kWrong.By("operator delete").MadeBy("operator new")},
    {"delete_array_smaller", kWrong.By("operator delete[]").MadeBy("operator new[]")},
    {"delete_array_larger", kWrong.By("operator delete[]").MadeBy("operator new[]")},
    {"delete_on_another_thread", kWrong.By("operator delete").MadeBy("operator new")},
    {"derived_deleted_as_its_base", kWrong.By("operator delete").MadeBy("operator new")},
    {"object_deleted_as_another", kWrong.By("operator delete").MadeBy("operator new")},
    {"over_aligned_deleted_as_not",
     kWrong.By("operator delete").MadeBy("operator new with an alignment")},
    {"deleted_as_over_aligned", kWrongAlignment.By("operator delete").MadeBy("operator new")},
    {"delete_of_another_alignment", kWrongAlignment.By("operator delete").MadeBy("operator new")},
    {"delete_of_no_alignment",
     kWrongAlignment.By("operator delete").MadeBy("operator new with an alignment")},
    {"delete_aligned_of_another_size",
     kWrong.By("operator delete").MadeBy("operator new with an alignment")},
    {"delete_array_aligned_of_another_size",
     kWrong.By("operator delete[]").MadeBy("operator new[] with an alignment")},
    {"free_sized_small_larger", kWrong.By("free_sized")},
    {"free_sized_small_smaller", kWrong.By("free_sized")},
    {"free_sized_medium_larger", kWrong.By("free_sized")},
    {"free_sized_medium_smaller", kWrong.By("free_sized")},
    {"free_sized_large_larger", kWrong.By("free_sized")},
    {"free_sized_large_smaller", kWrong.By("free_sized")},
    {"free_aligned_sized_alignment",
     kWrongAlignment.By("free_aligned_sized").MadeBy("operator new")},
    {"free_aligned_sized_no_alignment", kWrongAlignment.By("free_aligned_sized")},
    {"free_aligned_sized_alignment_zero", kWrongAlignment.By("free_aligned_sized")},
    {"free_aligned_sized_size", kWrong.By("free_aligned_sized")},
    {"free_aligned_sized_large", kWrong.By("free_aligned_sized")},
    {"free_sized_twice", Reports(kDoubleFree).Block("free").By("free_sized")},
    {"free_sized_inside", Reports(kInside).Block("live").By("free_sized")},
    {"free_aligned_sized_twice", Reports(kDoubleFree).Block("free").By("free_aligned_sized")},
    {"delete_inside", Reports(kInside).Block("live").By("operator delete").MadeBy("operator new")},
    {"delete_element_of_an_array",
     Reports(kInside).Block("live").By("operator delete").MadeBy("operator new[]")},
    {"delete_on_the_stack", Reports(kForeign).By("operator delete")},
};

MISUSE_TEST("wrong_size", kCases, kModes);

}  // namespace
}  // namespace mymalloc::test
