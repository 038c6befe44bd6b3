// Runs the cases of a program (programs/case.h) under the library, each in the default and in the
// hardened mode, and with on_error=warn, and compares how it ends and what is reported, word for
// word.
//
//   const Case kCases[] = {{"small_at_once", Reports(kDoubleFree).Block("free")}, ...};
//   MISUSE_TEST("double_free", kCases);

#ifndef MYMALLOC_TESTS_MISUSE_MISUSE_TEST_H_
#define MYMALLOC_TESTS_MISUSE_MISUSE_TEST_H_

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/misuse/complaints.h"

namespace mymalloc::test {

// How a case ends. Made by the functions below.
struct Expectation {
  enum Ending : uint8_t {
    kReports,      // and aborts; or with on_error=warn goes on to the end
    kPasses,       // to the end, without a word
    kFaults,       // SIGSEGV
    kNotPromised,  // not run
  };
  Ending ending = kReports;
  Complaint complaint{};
  std::string block;    // the state of the program's Block; empty: the report shows none
  std::string culprit;  // the same of its Culprit
  std::string called = "free";
  std::string given;    // the name of the number that it Gave
  bool goes_on = true;  // with on_error=warn
  bool once = true;     // and nothing else is reported then

  Expectation Block(const char* state) const { return With(&Expectation::block, state); }
  Expectation Culprit(const char* state) const { return With(&Expectation::culprit, state); }
  Expectation By(const char* function) const { return With(&Expectation::called, function); }
  Expectation Given(const char* name) const { return With(&Expectation::given, name); }
  // The damage is still there after the call was dropped, and may be reported again.
  Expectation AndMore() const { return With(&Expectation::once, false); }

 private:
  template <typename Field, typename Value>
  Expectation With(Field Expectation::*field, const Value& value) const {
    Expectation changed = *this;
    changed.*field = value;
    return changed;
  }
};

inline Expectation Reports(const Complaint& complaint) {
  Expectation expectation;
  expectation.complaint = complaint;
  return expectation;
}
inline Expectation Ends(Expectation::Ending ending) {
  Expectation expectation;
  expectation.ending = ending;
  return expectation;
}
inline Expectation Passes() { return Ends(Expectation::kPasses); }
inline Expectation Faults() { return Ends(Expectation::kFaults); }
inline Expectation NotPromised() { return Ends(Expectation::kNotPromised); }

struct Case {
  Case(const char* a_name, const Expectation& both) : Case(a_name, both, both) {}
  Case(const char* a_name, Expectation in_default, Expectation in_hardened)
      : name(a_name), standard(std::move(in_default)), hardened(std::move(in_hardened)) {}

  const char* name;
  Expectation standard;
  Expectation hardened;
};

struct Mode {
  const char* name;
  bool harden;
  bool warn;
};
inline constexpr Mode kModes[] = {
    {"default", false, false},
    {"default_warn", false, true},
    {"hardened", true, false},
    {"hardened_warn", true, true},
};

struct Run {
  std::string program;
  Case test_case;
  Mode mode;

  const Expectation& expected() const {
    return mode.harden ? test_case.hardened : test_case.standard;
  }
};
std::ostream& operator<<(std::ostream& out, const Run& run);

// Every case in every mode where something is promised of it.
std::vector<Run> RunsOf(const std::string& program, const std::vector<Case>& cases);
std::string NameOf(const testing::TestParamInfo<Run>& info);

// Runs it, and compares.
void Check(const Run& run);
// The program and the table have the same cases.
void CheckNames(const std::string& program, const std::vector<Case>& cases);

class MisuseTest : public testing::TestWithParam<Run> {};

#define MISUSE_TEST(program, cases)                                                                \
  TEST(CasesTest, AreThoseOfTheProgram) {                                                          \
    CheckNames(program, {std::begin(cases), std::end(cases)});                                     \
  }                                                                                                \
  TEST_P(MisuseTest, EndsAsPromised) { Check(GetParam()); }                                        \
  INSTANTIATE_TEST_SUITE_P(                                                                        \
      Cases, MisuseTest, testing::ValuesIn(RunsOf(program, {std::begin(cases), std::end(cases)})), \
      NameOf)

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_MISUSE_MISUSE_TEST_H_
