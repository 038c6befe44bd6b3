// Option parsing on any environment: an unknown name or a bad value changes nothing and is said
// once; a good value changes its own option only, to what it says and not to what was there
// before; the variables of an environment do what they do one by one, but for the other defaults
// that hardening makes; and what the help prints of an option sets it to the value in force.
//
// The oracle knows the options by their names alone, from MYMALLOC_FOR_EACH_OPTION.

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mymalloc/base/options.h"
#include "tests/fuzz/input.h"
#include "tests/support/check.h"

// The sanitizers', where they are.
extern "C" __attribute__((weak)) void __sanitizer_set_report_fd(void* fd);

namespace mymalloc::test {
namespace {

const std::string kPrefix = "MYMALLOC_";

// What is written to stderr meanwhile: each write is one message, whatever is in it.
class CapturedStderr {
 public:
  CapturedStderr() : stderr_(dup(STDERR_FILENO)) {
    MYMALLOC_CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_) == 0);
    if (__sanitizer_set_report_fd != nullptr) {
      __sanitizer_set_report_fd(reinterpret_cast<void*>(intptr_t{stderr_}));
    }
  }
  CapturedStderr(const CapturedStderr&) = delete;
  CapturedStderr& operator=(const CapturedStderr&) = delete;

  void Start() { dup2(ends_[0], STDERR_FILENO); }
  std::vector<std::string> Stop() {
    dup2(stderr_, STDERR_FILENO);
    std::vector<std::string> messages;
    char buffer[8192];
    for (;;) {
      const ssize_t n = recv(ends_[1], buffer, sizeof(buffer), 0);
      if (n < 0) return messages;
      messages.emplace_back(buffer, static_cast<size_t>(n));
    }
  }

 private:
  int stderr_;
  int ends_[2];
};

// Reads an environment whose strings end where their memory does.
std::vector<std::string> Read(const std::vector<std::string>& environment, Options* options) {
  static CapturedStderr& captured = *new CapturedStderr;
  std::vector<std::unique_ptr<char[]>> copies;
  std::vector<const char*> pointers;
  for (const std::string& variable : environment) {
    copies.push_back(std::make_unique<char[]>(variable.size() + 1));
    memcpy(copies.back().get(), variable.c_str(), variable.size() + 1);
    pointers.push_back(copies.back().get());
  }
  pointers.push_back(nullptr);
  captured.Start();
  ReadOptionsFrom(pointers.data(), options);
  return captured.Stop();
}

// Which options differ, as a bit each.
uint64_t Differing(const Options& a, const Options& b) {
  uint64_t result = 0;
  unsigned i = 0;
#define MYMALLOC_COMPARE_OPTION(type, name, ...) result |= uint64_t{!(a.name == b.name)} << i++;
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_COMPARE_OPTION)
#undef MYMALLOC_COMPARE_OPTION
  return result;
}

bool IsName(const std::string& name, const char* option) {
  return name.size() == strlen(option) && strcasecmp(name.c_str(), option) == 0;
}

// The bit of the option with that name; 0 if there is none.
uint64_t BitOf(const std::string& name) {
  uint64_t bit = 1;
#define MYMALLOC_FIND_OPTION(type, field, ...) \
  if (IsName(name, #field)) return bit;        \
  bit <<= 1;
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_FIND_OPTION)
#undef MYMALLOC_FIND_OPTION
  return 0;
}

Options HardenedIf(bool harden, Options options) {
  if (harden && !options.harden) Harden(&options);
  return options;
}

// An item of a list, or a variable: what sets one option, if any.
struct Setting {
  std::string name;
  std::string variable;  // that sets it alone

  // Returns whether it was good.
  bool Apply(Options* options) const {
    const Options before = *options;
    const size_t messages = Read({variable}, options).size();
    const uint64_t mine = BitOf(name);
    MYMALLOC_CHECK(messages == 0 || (messages == 1 && Differing(*options, before) == 0));
    MYMALLOC_CHECK(mine != 0 || messages == 1);
    const Options standard = HardenedIf(options->harden, before);
    MYMALLOC_CHECK((Differing(*options, standard) & ~mine) == 0);
    return messages == 0;
  }
};

// In order of appearance; sets *help if it is asked for.
void SplitList(const std::string& list, std::vector<Setting>* settings, bool* help) {
  for (size_t begin = 0; begin < list.size();) {
    const size_t end = std::min(list.find(':', begin), list.size());
    const std::string item = list.substr(begin, end - begin);
    begin = end + 1;
    if (item == "help") {
      *help = true;
    } else if (!item.empty()) {
      settings->push_back({item.substr(0, item.find('=')), kPrefix + "OPTIONS=" + item});
    }
  }
}
std::vector<Setting> Split(const std::vector<std::string>& environment, bool* help) {
  std::vector<Setting> settings;
  for (const std::string& variable : environment) {
    const size_t equals = variable.find('=');
    if (variable.compare(0, kPrefix.size(), kPrefix) != 0 || equals == std::string::npos) continue;
    const std::string name = variable.substr(kPrefix.size(), equals - kPrefix.size());
    if (name == "OPTIONS") {
      SplitList(variable.substr(equals + 1), &settings, help);
    } else {
      settings.push_back({name, variable});
    }
  }
  return settings;
}

// Every line `  name=value  (default` sets its option to what it is. By its own variable: in the
// list a path cannot have a colon.
void CheckHelp(const std::string& text, const Options& options) {
  for (size_t at = text.find("\n  "); at != std::string::npos; at = text.find("\n  ", at + 1)) {
    const size_t end = text.rfind("  (default", text.find('\n', at + 1));
    MYMALLOC_CHECK(end != std::string::npos && end > at);
    const std::string item = text.substr(at + 3, end - at - 3);
    const Setting setting = {item.substr(0, item.find('=')), kPrefix + item};
    Options read;
    MYMALLOC_CHECK(setting.Apply(&read));
    MYMALLOC_CHECK((Differing(read, options) & BitOf(setting.name)) == 0);
  }
}

// The variables, some of them with the prefix that makes them ours: 0 ends each.
std::vector<std::string> EnvironmentFrom(Input* in) {
  std::vector<std::string> environment;
  while (!in->empty() && environment.size() < 16) {
    std::string variable = in->TextUntil('\0');
    if (!variable.empty() && variable[0] == '_') variable.replace(0, 1, kPrefix);
    environment.push_back(variable);
  }
  return environment;
}

// What the settings make, taken one by one, and how many of them are bad.
size_t Expect(const std::vector<Setting>& settings, Options* options) {
  bool harden = false;
  for (const Setting& setting : settings) {
    Options alone;
    if (setting.Apply(&alone) && IsName(setting.name, "harden")) harden = alone.harden;
  }
  *options = HardenedIf(harden, *options);
  size_t bad = 0;
  for (const Setting& setting : settings) {
    Options alone;
    if (!setting.Apply(&alone)) {
      ++bad;
      MYMALLOC_CHECK(!setting.Apply(options));
    } else if (IsName(setting.name, "harden")) {
      options->harden = alone.harden;  // the rest has been done
    } else {
      MYMALLOC_CHECK(setting.Apply(options));
      MYMALLOC_CHECK((Differing(*options, alone) & BitOf(setting.name)) == 0);
    }
  }
  return bad;
}

// A value, good or bad, given to each option there is.
void GiveToEach(const std::string& value) {
#define MYMALLOC_GIVE(type, name, ...)                                      \
  for (const bool harden : {false, true}) {                                 \
    Options options = HardenedIf(harden, Options());                        \
    Setting{#name, kPrefix + "OPTIONS=" #name "=" + value}.Apply(&options); \
  }
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_GIVE)
#undef MYMALLOC_GIVE
}

void Check(const std::vector<std::string>& environment) {
  bool help = false;
  Options expected;
  const std::vector<Setting> settings = Split(environment, &help);
  if (!settings.empty()) {
    const std::string& variable = settings[0].variable;
    const std::string value = variable.substr(variable.rfind('=') + 1);
    if (value.find(':') == std::string::npos) GiveToEach(value);
  }
  const size_t bad = Expect(settings, &expected);
  Options options;
  const std::vector<std::string> messages = Read(environment, &options);
  MYMALLOC_CHECK(Differing(options, expected) == 0);
  MYMALLOC_CHECK(help ? messages.size() > bad : messages.size() == bad);
  std::string text;
  for (size_t i = bad; i < messages.size(); ++i) text += messages[i];
  CheckHelp(text, options);
}

}  // namespace
}  // namespace mymalloc::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mymalloc::test::Input in(data, size);
  mymalloc::test::Check(mymalloc::test::EnvironmentFrom(&in));
  return 0;
}
