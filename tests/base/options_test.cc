#include "mymalloc/base/options.h"

#include <algorithm>
#include <fstream>
#include <iterator>
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
#define MYMALLOC_COMPARE_OPTION(type, name, value, hardened, asks, help) same &= a.name == b.name;
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_COMPARE_OPTION)
#undef MYMALLOC_COMPARE_OPTION
  return same;
}

// Every option with a value that is not its default: neither of the two.
Options Unusual() {
  Options options;
  options.on_error = OnError::kIgnore;
  options.harden = true;
  options.check_tree = false;
  options.check_neighbours = true;
  options.check_ends = false;
  options.random_slots = false;
  options.quarantine = Bytes{65536};
  options.zero_on_free = false;
  options.guard_pages = false;
  options.check_at_exit = false;
  options.check_kind = false;
  options.sample = {77};
  options.checked = true;
  options.huge_pages = HugePages::kNever;
  options.decay = Millis{1234};
  options.report_file = Path{"/tmp/%p"};
  options.stats = PrintedStats::kJson;
  options.stats_file = Path{"/tmp/stats"};
  options.dump_signal = Signal{SIGUSR2};
  options.verbose = true;
  options.soft_limit = MemoryLimit{0, 80};
  options.hard_limit = MemoryLimit{uint64_t{1} << 30, 0};
  options.name_mappings = true;
  return options;
}

TEST(OptionsTest, UnusualHasNoDefaultOfAnyOption) {
  Options hardened;
  Harden(&hardened);
  const Options standard;
  const Options unusual = Unusual();
#define MYMALLOC_DIFFERS(type, name, ...) \
  EXPECT_FALSE(unusual.name == standard.name && unusual.name == hardened.name) << #name;
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_DIFFERS)
#undef MYMALLOC_DIFFERS
}

// What its help says: the seven that follow it are those whose default it changes.
TEST(OptionsTest, HardenIsTheNextSeven) {
  Options hardened;
  Harden(&hardened);
  const Options standard;
  std::string changed;
#define MYMALLOC_MARK(type, name, ...) changed += hardened.name == standard.name ? '.' : 'x';
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_MARK)
#undef MYMALLOC_MARK
  const std::string itself_and_seven(8, 'x');
  EXPECT_EQ(changed.find('x'), changed.find(itself_and_seven)) << changed;
  EXPECT_EQ(std::count(changed.begin(), changed.end(), 'x'), 8) << changed;
}

TEST(OptionsTest, TheFuzzersDictionaryHasEachName) {
  std::ifstream file("tests/fuzz/options.dict");
  const std::string words{std::istreambuf_iterator<char>(file), {}};
#define MYMALLOC_HAS(type, name, ...) \
  EXPECT_NE(words.find("\n\"" #name "=\"\n"), std::string::npos) << #name;
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_HAS)
#undef MYMALLOC_HAS
}

TEST(OptionsTest, NothingSetIsTheDefault) {
  const Result result = Read({"PATH=/bin", "HOME=/", "MYMALLOCX=1", "mymalloc_checked=1"});
  EXPECT_TRUE(Same(result.options, Options()));
  EXPECT_EQ(result.errors, "");
}

TEST(OptionsTest, EachByItsVariable) {
  const Result result = Read({"MYMALLOC_ON_ERROR=ignore",    "MYMALLOC_CHECK_TREE=0",
                              "MYMALLOC_CHECK_NEIGHBOURS=1", "MYMALLOC_RANDOM_SLOTS=no",
                              "MYMALLOC_QUARANTINE=64K",     "MYMALLOC_ZERO_ON_FREE=off",
                              "MYMALLOC_GUARD_PAGES=false",  "MYMALLOC_HARDEN=1",
                              "MYMALLOC_SAMPLE=77",          "MYMALLOC_CHECKED=1",
                              "MYMALLOC_HUGE_PAGES=never",   "MYMALLOC_DECAY=1234ms",
                              "MYMALLOC_CHECK_ENDS=0",       "MYMALLOC_CHECK_AT_EXIT=0",
                              "MYMALLOC_CHECK_KIND=0",       "MYMALLOC_REPORT_FILE=/tmp/%p",
                              "MYMALLOC_STATS=json",         "MYMALLOC_STATS_FILE=/tmp/stats",
                              "MYMALLOC_DUMP_SIGNAL=USR2",   "MYMALLOC_VERBOSE=1",
                              "MYMALLOC_SOFT_LIMIT=80%",     "MYMALLOC_HARD_LIMIT=1G",
                              "MYMALLOC_NAME_MAPPINGS=1"});
  EXPECT_TRUE(Same(result.options, Unusual()));
  EXPECT_EQ(result.errors, "");
}

TEST(OptionsTest, AllByTheList) {
  const Result result =
      Read({"MYMALLOC_OPTIONS=on_error=ignore:checked=on:decay=1234ms:"
            "check_tree=0:check_neighbours=1:random_slots=0:quarantine=65536:zero_on_free=0:"
            "guard_pages=0:sample=77:huge_pages=never:check_ends=0:check_at_exit=0:check_kind=0:"
            "report_file=/tmp/%p:stats=json:stats_file=/tmp/stats:dump_signal=SIGUSR2:verbose=1:"
            "soft_limit=80%:hard_limit=1024M:name_mappings=1:harden=1"});
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
    EXPECT_FALSE(Read({std::string("MYMALLOC_CHECKED=") + no}, Unusual()).options.checked) << no;
  }
}

TEST(OptionsTest, WhatHappensAfterAMisuse) {
  EXPECT_EQ(Read({"MYMALLOC_ON_ERROR=abort"}, Unusual()).options.on_error, OnError::kAbort);
  EXPECT_EQ(Read({"MYMALLOC_ON_ERROR=warn"}).options.on_error, OnError::kWarn);
  EXPECT_EQ(Read({"MYMALLOC_ON_ERROR=ignore"}).options.on_error, OnError::kIgnore);
}

TEST(OptionsTest, TimesHaveUnits) {
  EXPECT_EQ(Read({"MYMALLOC_DECAY=0"}).options.decay.value, 0u);
  EXPECT_EQ(Read({"MYMALLOC_DECAY=7ms"}).options.decay.value, 7u);
  EXPECT_EQ(Read({"MYMALLOC_DECAY=10s"}).options.decay.value, 10000u);
  EXPECT_EQ(Read({"MYMALLOC_DECAY=2m"}).options.decay.value, 120000u);
  EXPECT_EQ(Read({"MYMALLOC_DECAY=86400s"}).options.decay.value, 86400000u);  // the longest
}

TEST(OptionsTest, SizesHaveUnits) {
  const struct {
    const char* text;
    uint64_t bytes;
  } sizes[] = {{"0", 0},          {"1000", 1000},     {"64K", 65536},
               {"64k", 65536},    {"3M", 3145728},    {"3MB", 3145728},
               {"3MiB", 3145728}, {"2G", 2147483648}, {"65536G", uint64_t{1} << 46}};
  for (const auto& size : sizes) {
    const Result result = Read({std::string("MYMALLOC_QUARANTINE=") + size.text});
    EXPECT_EQ(result.options.quarantine.value, size.bytes) << size.text;
    EXPECT_EQ(result.errors, "");
  }
}

TEST(OptionsTest, HardenMakesOtherDefaultsWhereverItStands) {
  Options hardened;
  Harden(&hardened);
  EXPECT_TRUE(hardened.check_tree && !hardened.check_neighbours && hardened.random_slots &&
              hardened.zero_on_free && hardened.guard_pages && hardened.quarantine.value != 0 &&
              hardened.check_ends && hardened.check_at_exit);
  EXPECT_TRUE(Same(Read({"MYMALLOC_HARDEN=1"}).options, hardened));
  EXPECT_TRUE(Same(Read({"MYMALLOC_HARDEN=0"}).options, Options()));
  EXPECT_TRUE(Same(Read({"MYMALLOC_HARDEN=1", "MYMALLOC_HARDEN=maybe"}).options, hardened));
  hardened.zero_on_free = false;
  EXPECT_TRUE(Same(Read({"MYMALLOC_ZERO_ON_FREE=0", "MYMALLOC_HARDEN=1"}).options, hardened));
  EXPECT_TRUE(Same(Read({"MYMALLOC_HARDEN=1", "MYMALLOC_ZERO_ON_FREE=0"}).options, hardened));
  EXPECT_TRUE(Same(Read({"MYMALLOC_OPTIONS=zero_on_free=0:harden=1"}).options, hardened));
}

TEST(OptionsTest, EachBadValueIsSaidOnce) {
  const std::string errors = Read({"MYMALLOC_HARDEN=1", "MYMALLOC_DECAY=soon"}).errors;
  EXPECT_EQ(errors.find("DECAY"), errors.rfind("DECAY")) << errors;
}

TEST(OptionsTest, BadValuesChangeNothingAndAreSaid) {
  const struct {
    const char* name;
    const char* value;
  } bad[] = {{"ON_ERROR", "explode"},
             {"ON_ERROR", ""},
             {"CHECKED", "maybe"},
             {"CHECKED", ""},
             {"CHECKED", "11"},
             {"DECAY", "soon"},
             {"DECAY", "10 s"},
             {"DECAY", "-1"},
             {"DECAY", "ms"},
             {"DECAY", "86401s"},
             {"DECAY", "86400000m"},
             {"DECAY", "5h"},
             {"DECAY", "86400001ms"},
             {"DECAY", "500"},
             {"DECAY", "Never"},
             {"DECAY", ""},
             {"DECAY", "99999999999999999999999999"},
             {"QUARANTINE", ""},
             {"QUARANTINE", "K"},
             {"QUARANTINE", "64Kb"},
             {"QUARANTINE", "64 K"},
             {"QUARANTINE", "64T"},
             {"QUARANTINE", "-1"},
             {"QUARANTINE", "65537G"},
             {"REPORT_FILE", ""},
             {"REPORT_FILE", "a\nb"},
             {"SAMPLE", "4294967296"},
             {"SAMPLE", "1Q"},
             {"SAMPLE", "x"}};
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
  const Result result = Read({"MYMALLOC_OPTIONS=decay=soon:checked=1"});
  EXPECT_TRUE(result.options.checked);
  EXPECT_EQ(result.options.decay.value, Options().decay.value);
}

// What one asks, another does not take back.
TEST(OptionsTest, ThePolicyIsWhatAllOptionsAsk) {
  EXPECT_EQ(PolicyOf(Options()).asks, kNothing);
  Options options;
  options.check_neighbours = true;
  EXPECT_TRUE(PolicyOf(options).Detour());
  EXPECT_FALSE(PolicyOf(options).TreeFirst());
  EXPECT_TRUE(PolicyOf(options).Runs());
  options.quarantine = Bytes{4096};
  EXPECT_FALSE(PolicyOf(options).Runs());
  EXPECT_TRUE(PolicyOf(options).HoldsLarge());
  EXPECT_TRUE(PolicyOf(options).ExplainsFaults());
  options.checked = true;
  EXPECT_TRUE(PolicyOf(options).TreeFirst());
  EXPECT_FALSE(PolicyOf(options).Notes());
  Options ends;
  ends.check_ends = true;
  EXPECT_TRUE(PolicyOf(ends).Notes());
  EXPECT_TRUE(PolicyOf(ends).TreeFirst());
  EXPECT_FALSE(PolicyOf(ends).Runs());
  Options sampled;
  sampled.sample = {100};
  EXPECT_TRUE(PolicyOf(sampled).Detour());
  EXPECT_TRUE(PolicyOf(sampled).Runs());
  EXPECT_FALSE(PolicyOf(sampled).HoldsLarge());
}

TEST(OptionsTest, SamplesAreOneInSoManyAllocationsOrBytes) {
  EXPECT_EQ(Read({"MYMALLOC_SAMPLE=5000"}).options.sample, (Sampling{5000, false}));
  EXPECT_EQ(Read({"MYMALLOC_SAMPLE=64M"}).options.sample, (Sampling{64 << 20, true}));
  EXPECT_EQ(Read({"MYMALLOC_SAMPLE=0"}).options.sample, Sampling{0});
  EXPECT_EQ(Read({"MYMALLOC_SAMPLE=0K"}).options.sample, Sampling{0});
}

// Only where somebody asked for samples a signal is handled for them.
TEST(OptionsTest, WhatIsSampledUnaskedAsksForNothing) {
  EXPECT_EQ(Options().sample.every, uint64_t{100} << 20);
  EXPECT_EQ(PolicyOf(Options()).asks, kNothing);
  for (const Sampling asked : {Sampling{64 << 20, true}, Sampling{5000}}) {
    Options options;
    options.sample = asked;
    EXPECT_TRUE(PolicyOf(options).ExplainsFaults());
    EXPECT_FALSE(PolicyOf(options).Detour());
  }
  Options none;
  none.sample = {0};
  EXPECT_EQ(PolicyOf(none).asks, kNothing);
}

TEST(OptionsTest, HelpListsEveryOptionWithItsValue) {
  const Result result = Read({"MYMALLOC_OPTIONS=help:decay=1234ms"});
  EXPECT_EQ(result.options.decay.value, 1234u);
  std::string last_help;
#define MYMALLOC_FIND_OPTION(type, name, value, hardened, asks, help)                \
  EXPECT_NE(result.errors.find("  " #name "="), std::string::npos) << result.errors; \
  last_help = help;
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_FIND_OPTION)
#undef MYMALLOC_FIND_OPTION
  EXPECT_NE(result.errors.find("decay=1234ms  (default 500ms)"), std::string::npos);
  EXPECT_NE(result.errors.find("harden=0  (default 0, with harden=1 1)"), std::string::npos);
  // Nothing was cut off.
  EXPECT_NE(result.errors.find(last_help + "\n"), std::string::npos);
}

// The defaults are what they are, whatever is set.
TEST(OptionsTest, HelpShowsBothDefaultsWhateverIsSet) {
  const std::string errors = Read({"MYMALLOC_OPTIONS=harden=1:quarantine=1M:help"}).errors;
  EXPECT_NE(errors.find("quarantine=1M  (default 0, with harden=1 64K)"), std::string::npos)
      << errors;
  EXPECT_NE(errors.find("check_tree=1  (default 0, with harden=1 1)"), std::string::npos);
}

TEST(OptionsTest, HelpIsForgottenAndNothingElse) {
  std::string texts[] = {"MYMALLOC_OPTIONS=help:decay=1s:help", "MYMALLOC_OPTIONS=helper=1:help",
                         "OTHER=help", "MYMALLOC_OPTIONS="};
  char* environment[] = {&texts[0][0], &texts[1][0], &texts[2][0], &texts[3][0], nullptr};
  ForgetHelp(environment);
  EXPECT_EQ(texts[0], "MYMALLOC_OPTIONS=:::::decay=1s:::::");
  EXPECT_EQ(texts[1], "MYMALLOC_OPTIONS=helper=1:::::");
  EXPECT_EQ(texts[2], "OTHER=help");
  EXPECT_EQ(texts[3], "MYMALLOC_OPTIONS=");
}

TEST(OptionsTest, ATimeMayBeNever) {
  const Result result = Read({"MYMALLOC_DECAY=never", "MYMALLOC_OPTIONS=help"});
  EXPECT_EQ(result.options.decay.value, Millis::kNever);
  EXPECT_NE(result.errors.find("decay=never  (default 500ms)"), std::string::npos);
}

TEST(OptionsTest, APathMayHaveColonsInItsOwnVariable) {
  const Result result = Read({"MYMALLOC_REPORT_FILE=/a:b c", "MYMALLOC_OPTIONS=help"});
  EXPECT_STREQ(result.options.report_file.text, "/a:b c");
  EXPECT_NE(result.errors.find("report_file=/a:b c  (default none)"), std::string::npos);
  EXPECT_TRUE(Read({"MYMALLOC_REPORT_FILE=none"}, result.options).options.report_file.IsEmpty());
}

TEST(OptionsTest, APathIsNotCut) {
  const std::string longest(Path::kCapacity - 1, 'x');
  EXPECT_EQ(Read({"MYMALLOC_REPORT_FILE=" + longest}).options.report_file.text, longest);
  const Result longer = Read({"MYMALLOC_REPORT_FILE=x" + longest});
  EXPECT_TRUE(longer.options.report_file.IsEmpty());
  EXPECT_NE(longer.errors.find("it takes a path of up to 511"), std::string::npos);
}

TEST(OptionsTest, ABadValueIsToldWhatWouldBeGood) {
  EXPECT_NE(Read({"MYMALLOC_DECAY=500"}).errors.find("it takes a time with its unit, 500ms"),
            std::string::npos);
  EXPECT_NE(Read({"MYMALLOC_QUARANTINE=5X"}).errors.find("it takes a number of bytes, or of K"),
            std::string::npos);
  EXPECT_NE(Read({"MYMALLOC_CHECKED=5"}).errors.find("it takes 1 or 0"), std::string::npos);
}

TEST(OptionsTest, LongTextIsCutNotOverrun) {
  const std::string longish(10000, 'x');
  EXPECT_NE(Read({"MYMALLOC_" + longish + "=1"}).errors, "");
  EXPECT_NE(Read({"MYMALLOC_DECAY=" + longish}).errors, "");
}

}  // namespace
}  // namespace mymalloc
