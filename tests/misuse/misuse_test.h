// Runs the cases of a program (programs/case.h) under the library, each in several modes, and with
// on_error=warn, and compares how it ends and what is reported, word for word.
//
//   const Case kCases[] = {{"small_at_once", Reports(kDoubleFree).Block("free")}, ...};
//   MISUSE_TEST("double_free", kCases, kModes);

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
    kFaults,       // reports, and ends by SIGSEGV
    kNotPromised,  // not run
  };
  Ending ending = kReports;
  Complaint complaint{};
  std::string block;            // the state of the program's Block; empty: none is shown; "*": any
  std::string culprit;          // the same of its Culprit
  std::string called = "free";  // empty: it was found later
  std::string written;          // which bytes were overwritten, and by what; empty: any, or none
  std::string given;            // the name of the number that it Gave
  std::vector<std::string> events;  // of the block's past
  // What allocated the block, where the mode has that; empty: it is not known.
  std::string maker = "malloc or one of its kind";
  std::string culprits_maker = maker;
  // Whether it is told from where a free block was freed, where it can be; if perhaps, so is its
  // maker.
  enum Freer : uint8_t { kTold, kPerhaps, kNotTold };
  Freer freer = kTold;
  bool once = true;        // or with on_error=warn more may follow
  bool by_program = true;  // or the process ends meanwhile, and libc makes the call

  Expectation Block(const char* state) const { return With(&Expectation::block, state); }
  Expectation Culprit(const char* state) const { return With(&Expectation::culprit, state); }
  Expectation By(const char* function) const { return With(&Expectation::called, function); }
  Expectation FoundLater() const { return By(""); }
  Expectation Overwritten(const char* by) const { return With(&Expectation::written, by); }
  Expectation Given(const char* name) const { return With(&Expectation::given, name); }
  // "freed", "allocated": by the thread that had the block. It then lies in no page: it was
  // sampled.
  Expectation Knows(const std::vector<std::string>& past) const {
    return With(&Expectation::events, past);
  }
  Expectation Tells(Freer told) const { return With(&Expectation::freer, told); }
  Expectation MadeBy(const char* function) const { return With(&Expectation::maker, function); }
  Expectation CulpritMadeBy(const char* function) const {
    return With(&Expectation::culprits_maker, function);
  }
  // Found as the process ends.
  Expectation AtExit() const { return FoundLater().With(&Expectation::by_program, false); }
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
inline Expectation Faults(const Complaint& complaint) {
  Expectation expectation = Reports(complaint);
  expectation.ending = Expectation::kFaults;
  return expectation;
}
inline Expectation Passes() { return Ends(Expectation::kPasses); }
inline Expectation NotPromised() { return Ends(Expectation::kNotPromised); }

struct Case {
  Case(const char* a_name, const Expectation& both) : Case(a_name, both, both) {}
  Case(const char* a_name, const Expectation& in_default, const Expectation& in_hardened)
      : Case(a_name, in_default, in_hardened, in_default) {}
  Case(const char* a_name, Expectation in_default, Expectation in_hardened, Expectation in_sampled)
      : name(a_name),
        standard(std::move(in_default)),
        hardened(std::move(in_hardened)),
        sampled(std::move(in_sampled)) {}

  const char* name;
  Expectation standard;
  Expectation hardened;
  Expectation sampled;  // whether hardened or not
};

struct Mode {
  const char* name;
  const char* options;  // as MYMALLOC_OPTIONS has them
  bool hardened = false;
  bool warn = false;
  bool sampled = false;
};
inline const std::vector<Mode> kModes = {
    {"default", ""},
    {"default_warn", "on_error=warn", false, true},
    {"hardened", "harden=1", true},
    {"hardened_warn", "harden=1:on_error=warn", true, true},
};
inline const std::vector<Mode> kSampled = {
    {"sampled", "sample=1", false, false, true},
    {"sampled_warn", "sample=1:on_error=warn", false, true, true},
    {"hardened_sampled", "harden=1:sample=1", true, false, true},
    {"hardened_sampled_warn", "harden=1:sample=1:on_error=warn", true, true, true},
};
inline const std::vector<Mode> kAllModes = [] {
  std::vector<Mode> all = kModes;
  all.insert(all.end(), kSampled.begin(), kSampled.end());
  return all;
}();

struct Run {
  std::string program;
  Case test_case;
  Mode mode;

  const Expectation& expected() const {
    return mode.sampled    ? test_case.sampled
           : mode.hardened ? test_case.hardened
                           : test_case.standard;
  }
};
std::ostream& operator<<(std::ostream& out, const Run& run);

// Every case in every mode where something is promised of it.
std::vector<Run> RunsOf(const std::string& program, const std::vector<Case>& cases,
                        const std::vector<Mode>& modes);
std::string NameOf(const testing::TestParamInfo<Run>& info);

// Runs it, and compares.
void Check(const Run& run);
// The program and the table have the same cases.
void CheckNames(const std::string& program, const std::vector<Case>& cases);

class MisuseTest : public testing::TestWithParam<Run> {};

// cases: an array; modes: one of those above.
#define MISUSE_TEST(program, cases, modes)                     \
  TEST(CasesTest, AreThoseOfTheProgram) {                      \
    CheckNames(program, {std::begin(cases), std::end(cases)}); \
  }                                                            \
  TEST_P(MisuseTest, EndsAsPromised) { Check(GetParam()); }    \
  INSTANTIATE_TEST_SUITE_P(                                    \
      Cases, MisuseTest,                                       \
      testing::ValuesIn(RunsOf(program, {std::begin(cases), std::end(cases)}, modes)), NameOf)

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_MISUSE_MISUSE_TEST_H_
