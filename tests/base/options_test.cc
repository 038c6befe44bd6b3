#include "mymalloc/base/options.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

struct Result {
  Options options;
  std::string errors;
};

Result Read(const std::vector<std::string>& environment, const Options& before = Options()) {
  std::vector<const char*> pointers;
  for (const std::string& variable : environment) pointers.push_back(variable.c_str());
  pointers.push_back(nullptr);
  Result result;
  result.options = before;
  CaptureStderr();
  ReadOptionsFrom(pointers.data(), &result.options);
  result.errors = GetCapturedStderr();
  return result;
}

bool Same(const Options& a, const Options& b) {
  bool same = true;
#define MYMALLOC_COMPARE_OPTION(type, name, value, help) same &= a.name == b.name;
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_COMPARE_OPTION)
#undef MYMALLOC_COMPARE_OPTION
  return same;
}

// Every option with a value that is not its default.
Options Unusual() {
  Options options;
  options.on_error = OnError::kIgnore;
  options.checked = true;
  options.background_thread = false;
  options.decay = 1234;
  return options;
}

TEST(OptionsTest, NothingSetIsTheDefault) {
  const Result result = Read({"PATH=/bin", "HOME=/", "MYMALLOCX=1", "mymalloc_checked=1"});
  EXPECT_TRUE(Same(result.options, Options()));
  EXPECT_EQ(result.errors, "");
}

TEST(OptionsTest, EachByItsVariable) {
  const Result result = Read({"MYMALLOC_ON_ERROR=ignore", "MYMALLOC_CHECKED=1",
                              "MYMALLOC_BACKGROUND_THREAD=0", "MYMALLOC_DECAY=1234"});
  EXPECT_TRUE(Same(result.options, Unusual()));
  EXPECT_EQ(result.errors, "");
}

TEST(OptionsTest, AllByTheList) {
  const Result result =
      Read({"MYMALLOC_OPTIONS=on_error=ignore:checked=on:background_thread=off:decay=1234ms"});
  EXPECT_TRUE(Same(result.options, Unusual()));
  EXPECT_EQ(result.errors, "");
}

TEST(OptionsTest, NamesInTheListMayBeInCapitals) {
  EXPECT_TRUE(Read({"MYMALLOC_OPTIONS=CHECKED=1"}).options.checked);
}

TEST(OptionsTest, EmptyItemsOfTheListAreNothing) {
  const Result result = Read({"MYMALLOC_OPTIONS=:checked=1::", "MYMALLOC_OPTIONS="});
  EXPECT_TRUE(result.options.checked);
  EXPECT_EQ(result.errors, "");
}

TEST(OptionsTest, WordsForYesAndNo) {
  for (const char* yes : {"1", "true", "yes", "on"}) {
    EXPECT_TRUE(Read({std::string("MYMALLOC_CHECKED=") + yes}).options.checked) << yes;
  }
  for (const char* no : {"0", "false", "no", "off"}) {
    EXPECT_FALSE(Read({std::string("MYMALLOC_BACKGROUND_THREAD=") + no}).options.background_thread)
        << no;
  }
}

TEST(OptionsTest, WhatHappensAfterAMisuse) {
  EXPECT_EQ(Read({"MYMALLOC_ON_ERROR=abort"}, Unusual()).options.on_error, OnError::kAbort);
  EXPECT_EQ(Read({"MYMALLOC_ON_ERROR=warn"}).options.on_error, OnError::kWarn);
  EXPECT_EQ(Read({"MYMALLOC_ON_ERROR=ignore"}).options.on_error, OnError::kIgnore);
}

TEST(OptionsTest, TimesHaveUnits) {
  EXPECT_EQ(Read({"MYMALLOC_DECAY=0"}).options.decay, 0u);
  EXPECT_EQ(Read({"MYMALLOC_DECAY=7ms"}).options.decay, 7u);
  EXPECT_EQ(Read({"MYMALLOC_DECAY=10s"}).options.decay, 10000u);
  EXPECT_EQ(Read({"MYMALLOC_DECAY=2m"}).options.decay, 120000u);
  EXPECT_EQ(Read({"MYMALLOC_DECAY=86400s"}).options.decay, 86400000u);  // the longest
}

TEST(OptionsTest, BadValuesChangeNothingAndAreSaid) {
  const struct {
    const char* name;
    const char* value;
  } bad[] = {{"ON_ERROR", "explode"}, {"ON_ERROR", ""},
             {"CHECKED", "maybe"},    {"CHECKED", ""},
             {"CHECKED", "11"},       {"BACKGROUND_THREAD", "2"},
             {"DECAY", "soon"},       {"DECAY", "10 s"},
             {"DECAY", "-1"},         {"DECAY", "ms"},
             {"DECAY", "86401s"},     {"DECAY", "86400000m"},
             {"DECAY", "5h"},         {"DECAY", "86400001"},
             {"DECAY", ""},           {"DECAY", "99999999999999999999999999"}};
  for (const auto& [name, value] : bad) {
    const std::string variable = std::string("MYMALLOC_") + name + "=" + value;
    for (const Options& before : {Options(), Unusual()}) {
      const Result result = Read({variable}, before);
      EXPECT_TRUE(Same(result.options, before)) << variable;
      EXPECT_NE(result.errors.find(std::string("option ") + name), std::string::npos) << variable;
      EXPECT_NE(result.errors.find(std::string("bad value \"") + value + "\" is ignored"),
                std::string::npos)
          << variable << result.errors;
    }
  }
}

TEST(OptionsTest, UnknownNamesAreSaid) {
  for (const char* variable :
       {"MYMALLOC_CHEKED=1", "MYMALLOC_OPTIONS=CHEKED=1", "MYMALLOC_OPTIONS=decay=1s:CHEKED"}) {
    const Result result = Read({variable});
    EXPECT_NE(result.errors.find("unknown option \"CHEKED\""), std::string::npos) << variable;
  }
  EXPECT_NE(Read({"MYMALLOC_CHECKED2=1"}).errors, "");
  EXPECT_NE(Read({"MYMALLOC_CHECK=1"}).errors, "");
  EXPECT_NE(Read({"MYMALLOC_=1"}).errors, "");
}

TEST(OptionsTest, AnItemWithoutAValueIsBad) {
  const Result result = Read({"MYMALLOC_OPTIONS=checked"});
  EXPECT_FALSE(result.options.checked);
  EXPECT_NE(result.errors, "");
}

TEST(OptionsTest, OneBadItemDoesNotSpoilTheOthers) {
  const Result result = Read({"MYMALLOC_OPTIONS=decay=never:checked=1"});
  EXPECT_TRUE(result.options.checked);
  EXPECT_EQ(result.options.decay, Options().decay);
}

TEST(OptionsTest, HelpListsEveryOptionWithItsValue) {
  const Result result = Read({"MYMALLOC_OPTIONS=help:decay=1234"});
  EXPECT_EQ(result.options.decay, 1234u);
  std::string last_help;
#define MYMALLOC_FIND_OPTION(type, name, value, help)                                \
  EXPECT_NE(result.errors.find("  " #name "="), std::string::npos) << result.errors; \
  last_help = help;
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_FIND_OPTION)
#undef MYMALLOC_FIND_OPTION
  EXPECT_NE(result.errors.find("decay=1234ms  (default 500ms)"), std::string::npos);
  // Nothing was cut off.
  EXPECT_NE(result.errors.find(last_help + "\n"), std::string::npos);
}

TEST(OptionsTest, LongTextIsCutNotOverrun) {
  const std::string longish(10000, 'x');
  EXPECT_NE(Read({"MYMALLOC_" + longish + "=1"}).errors, "");
  EXPECT_NE(Read({"MYMALLOC_DECAY=" + longish}).errors, "");
}

}  // namespace
}  // namespace mymalloc
