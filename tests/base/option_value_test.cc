// Values of options: how people write them, and that what is printed reads as the same.

#include "mymalloc/base/option_value.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "mymalloc/base/printer.h"

namespace mymalloc {
namespace {

template <typename T>
bool Reads(const std::string& text, T expected) {
  T value{};
  if (!option_value::Parse(option_value::ToText(text.c_str()), &value)) return false;
  Printer printed;
  option_value::Print(printed, value);
  T again{};
  return value == expected &&
         option_value::Parse(option_value::ToText(printed.Terminated()), &again) &&
         again == expected;
}

template <typename T>
bool IsBad(const std::string& text) {
  T value{};
  return !option_value::Parse(option_value::ToText(text.c_str()), &value);
}

TEST(OptionValue, Statistics) {
  EXPECT_TRUE(Reads("1", PrintedStats::kText));
  EXPECT_TRUE(Reads("text", PrintedStats::kText));
  EXPECT_TRUE(Reads("json", PrintedStats::kJson));
  EXPECT_TRUE(Reads("prometheus", PrintedStats::kPrometheus));
  EXPECT_TRUE(Reads("none", PrintedStats::kNone));
  EXPECT_TRUE(Reads("0", PrintedStats::kNone));
  EXPECT_TRUE(IsBad<PrintedStats>("xml"));
}

TEST(OptionValue, Signals) {
  EXPECT_TRUE(Reads("USR2", Signal{SIGUSR2}));
  EXPECT_TRUE(Reads("SIGHUP", Signal{SIGHUP}));
  EXPECT_TRUE(Reads("12", Signal{12}));
  EXPECT_TRUE(Reads("64", Signal{64}));
  EXPECT_TRUE(Reads("none", Signal{0}));
  for (const char* bad : {"9", "19", "65", "USR3", "SIG", "", "-1", "12 "}) {
    EXPECT_TRUE(IsBad<Signal>(bad)) << bad;
  }
}

TEST(OptionValue, MemoryLimits) {
  EXPECT_TRUE(Reads("64M", MemoryLimit{uint64_t{64} << 20, 0}));
  EXPECT_TRUE(Reads("1%", MemoryLimit{0, 1}));
  EXPECT_TRUE(Reads("100%", MemoryLimit{0, 100}));
  EXPECT_TRUE(Reads("0", MemoryLimit{0, 0}));
  for (const char* bad : {"0%", "101%", "%", "x%", "10%%", "-5%", ""}) {
    EXPECT_TRUE(IsBad<MemoryLimit>(bad)) << bad;
  }
}

}  // namespace
}  // namespace mymalloc
