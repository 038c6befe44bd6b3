// What malloc made is freed by free, and so on: programs/mismatch.cc has the cases.

#include "tests/misuse/misuse_test.h"

namespace mymalloc::test {
namespace {

Expectation Found(const Complaint& complaint, const char* called) {
  const std::string detail = complaint.detail;
  const std::string before = "the block was allocated by ";
  const std::string maker = detail.substr(before.size(), detail.size() - before.size() - 1);
  return Reports(complaint).Block("live").By(called).MadeBy(maker.c_str());
}

// By default it passes; where blocks are sampled the report has their past.
Case Mismatch(const char* name, const Complaint& complaint, const char* called) {
  const Expectation hardened = Found(complaint, called);
  return {name, Passes(), hardened, hardened.Knows({"allocated"})};
}
// Too long to be sampled.
Case MismatchOfLong(const char* name, const Complaint& complaint, const char* called) {
  return {name, Passes(), Found(complaint, called), NotPromised()};
}

const Case kCases[] = {
    Mismatch("free_of_new", kOfNew, "free"),
    Mismatch("free_of_new_array", kOfNewArray, "free"),
    Mismatch("free_of_aligned_new", kOfNewAligned, "free"),
    Mismatch("free_of_aligned_new_array", kOfNewArrayAligned, "free"),
    Mismatch("delete_of_malloc", kOfMalloc, "operator delete"),
    Mismatch("delete_of_calloc", kOfMalloc, "operator delete"),
    Mismatch("delete_of_aligned_alloc", kOfMalloc, "operator delete"),
    Mismatch("delete_array_of_malloc", kOfMalloc, "operator delete[]"),
    Mismatch("delete_of_new_array", kOfNewArray, "operator delete"),
    Mismatch("delete_array_of_new", kOfNew, "operator delete[]"),
    Mismatch("sized_delete_of_malloc", kOfMalloc, "operator delete"),
    Mismatch("delete_of_aligned_new", kOfNewAligned, "operator delete"),
    MismatchOfLong("aligned_delete_of_new", kOfNew, "operator delete"),
    Mismatch("realloc_of_new", kOfNew, "realloc"),
    MismatchOfLong("medium", kOfNewArray, "free"),
    MismatchOfLong("large", kOfNew, "free"),
    Mismatch("on_another_thread", kOfNew, "free"),
    MismatchOfLong("after_realloc", kOfMalloc, "operator delete"),
};

MISUSE_TEST("mismatch", kCases, kAllModes);

}  // namespace
}  // namespace mymalloc::test
