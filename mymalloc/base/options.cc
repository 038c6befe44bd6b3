#include "mymalloc/base/options.h"

#include <sys/auxv.h>
#include <unistd.h>

#include <cstddef>
#include <type_traits>

#include "mymalloc/base/printer.h"

namespace mymalloc {
namespace {

constexpr char kPrefix[] = "MYMALLOC_";

// A piece of the environment: not terminated.
struct Text {
  const char* begin;
  size_t size;

  bool operator==(const char* other) const {
    size_t i = 0;
    while (i < size && other[i] != '\0' && begin[i] == other[i]) ++i;
    return i == size && other[i] == '\0';
  }
  // Whether it is `name`, in capitals or not.
  bool IsName(const char* name) const {
    size_t i = 0;
    while (i < size && name[i] != '\0') {
      const char c = begin[i];
      const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      if (lower != name[i]) return false;
      ++i;
    }
    return i == size && name[i] == '\0';
  }
};

Text ToText(const char* s) {
  size_t size = 0;
  while (s[size] != '\0') ++size;
  return {s, size};
}

void Append(Printer& out, Text text) {
  char buffer[128];
  size_t n = 0;
  while (n < text.size && n < sizeof(buffer) - 1) {
    buffer[n] = text.begin[n];
    ++n;
  }
  buffer[n] = '\0';
  out.Text(buffer);
}

bool Parse(Text value, bool* result) {
  const bool yes = value == "1" || value == "true" || value == "yes" || value == "on";
  const bool no = value == "0" || value == "false" || value == "no" || value == "off";
  *result = yes;
  return yes || no;
}

bool Parse(Text value, OnError* result) {
  if (value == "abort") return *result = OnError::kAbort, true;
  if (value == "warn") return *result = OnError::kWarn, true;
  if (value == "ignore") return *result = OnError::kIgnore, true;
  return false;
}

bool Parse(Text value, HugePages* result) {
  if (value == "auto") return *result = HugePages::kAuto, true;
  if (value == "never") return *result = HugePages::kNever, true;
  if (value == "always") return *result = HugePages::kAlways, true;
  return false;
}

// Digits, then a unit. False if there is no digit, or the number is above `largest`.
bool ParseNumber(Text value, uint64_t largest, uint64_t* number, Text* unit) {
  uint64_t n = 0;
  size_t i = 0;
  for (; i < value.size && value.begin[i] >= '0' && value.begin[i] <= '9'; ++i) {
    n = n * 10 + static_cast<uint64_t>(value.begin[i] - '0');
    if (n > largest) return false;
  }
  *number = n;
  *unit = {value.begin + i, value.size - i};
  return i > 0;
}

bool Parse(Text value, uint32_t* result) {
  uint64_t n;
  Text unit;
  if (!ParseNumber(value, ~uint32_t{0}, &n, &unit) || unit.size != 0) return false;
  *result = static_cast<uint32_t>(n);
  return true;
}

// Bytes, or K, M, G for the powers of 1024; the latter also as KB or KiB.
bool Parse(Text value, Bytes* result) {
  constexpr uint64_t kLargest = uint64_t{1} << 46;
  uint64_t n;
  Text unit;
  if (!ParseNumber(value, kLargest, &n, &unit)) return false;
  unsigned shift = 0;
  if (unit.size != 0) {
    const char letter = unit.begin[0];
    shift = letter == 'k' || letter == 'K' ? 10 : letter == 'M' ? 20 : letter == 'G' ? 30 : 0;
    const Text rest = {unit.begin + 1, unit.size - 1};
    if (shift == 0 || !(rest == "" || rest == "B" || rest == "iB")) return false;
  }
  if (n > kLargest >> shift) return false;
  result->value = n << shift;
  return true;
}

// A number and ms, s or m, of which 0 needs none; or never.
bool Parse(Text value, Millis* result) {
  if (value == "never") return result->value = Millis::kNever, true;
  constexpr uint64_t kLargest = uint64_t{1000} * 60 * 60 * 24;
  uint64_t n;
  Text unit;
  if (!ParseNumber(value, kLargest, &n, &unit)) return false;
  if (unit == "s") {
    n *= 1000;
  } else if (unit == "m") {
    n *= uint64_t{60} * 1000;
  } else if (!(unit == "ms" || (unit == "" && n == 0))) {
    return false;
  }
  result->value = n;
  return n <= kLargest;
}

// Bytes that a terminal or a line of help would not show as they are make no path.
bool Parse(Text value, Path* result) {
  if (value == "none") return *result = Path{}, true;
  if (value.size == 0 || value.size >= Path::kCapacity) return false;
  for (size_t i = 0; i < value.size; ++i) {
    const auto byte = static_cast<unsigned char>(value.begin[i]);
    if (byte < ' ' || byte == 0x7f) return false;
    result->text[i] = value.begin[i];
  }
  result->text[value.size] = '\0';
  return true;
}

void Print(Printer& out, bool value) { out.Text(value ? "1" : "0"); }
void Print(Printer& out, uint32_t value) { out.Decimal(value); }
void Print(Printer& out, Bytes value) { out.Size(value.value); }
void Print(Printer& out, Millis value) {
  if (value.value == Millis::kNever) {
    out.Text("never");
  } else {
    out.Decimal(value.value).Text("ms");
  }
}
void Print(Printer& out, OnError value) {
  out.Text(value == OnError::kAbort ? "abort" : value == OnError::kWarn ? "warn" : "ignore");
}

void Print(Printer& out, HugePages value) {
  out.Text(value == HugePages::kAuto ? "auto" : value == HugePages::kNever ? "never" : "always");
}

void Print(Printer& out, const Path& value) { out.Text(value.IsEmpty() ? "none" : value.text); }

size_t Find(Text text, char c) {
  size_t i = 0;
  while (i < text.size && text.begin[i] != c) ++i;
  return i;
}

// Calls visit(item) for each of a list: name=value:name=value.
template <typename Visit>
void ForEachItem(Text list, Visit&& visit) {
  while (list.size > 0) {
    const size_t end = Find(list, ':');
    visit(Text{list.begin, end});
    const size_t used = end < list.size ? end + 1 : end;
    list = {list.begin + used, list.size - used};
  }
}

// What would be a value.
const char* Wanted(bool) { return "1 or 0"; }
const char* Wanted(uint32_t) { return "a number"; }
const char* Wanted(Bytes) { return "a number of bytes, or of K, M or G: 64K"; }
const char* Wanted(Millis) { return "a time with its unit, 500ms, 2s or 10m, or never"; }
const char* Wanted(OnError) { return "abort, warn or ignore"; }
const char* Wanted(HugePages) { return "auto, never or always"; }

const char* Wanted(const Path&) { return "a path of up to 511 printable bytes, or none"; }
static_assert(Path::kCapacity == 512, "Wanted says so");

constexpr char kSeeHelp[] = "MYMALLOC_OPTIONS=help lists the options\n";

// Goes through an environment and sets what it finds.
class Reader {
 public:
  Reader(Options* options, bool quiet) : options_(options), quiet_(quiet) {}

  void Read(const char* const* environment);
  bool help() const { return help_; }

 private:
  void SetList(Text list);
  void SetByName(Text name, Text value);
  template <typename T>
  void Set(Text name, Text value, T* option);

  Options* options_;
  bool quiet_;
  bool help_ = false;
};

template <typename T>
void Reader::Set(Text name, Text value, T* option) {
  T parsed{};
  if (Parse(value, &parsed)) {
    *option = parsed;
  } else if (!quiet_) {
    Printer out;
    out.Text("mymalloc: option ");
    Append(out, name);
    out.Text(": bad value \"");
    Append(out, value);
    out.Text("\" is ignored: it takes ").Text(Wanted(parsed)).Text("; ").Text(kSeeHelp);
    out.WriteTo(STDERR_FILENO);
  }
}

void Reader::SetByName(Text name, Text value) {
#define MYMALLOC_SET_OPTION(type, field, standard, hardened, asks, help) \
  if (name.IsName(#field)) return Set(name, value, &options_->field);
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_SET_OPTION)
#undef MYMALLOC_SET_OPTION
  if (quiet_) return;
  Printer out;
  out.Text("mymalloc: unknown option \"");
  Append(out, name);
  out.Text("\" is ignored; ").Text(kSeeHelp).WriteTo(STDERR_FILENO);
}

void Reader::SetList(Text list) {
  ForEachItem(list, [this](Text item) {
    const size_t equals = Find(item, '=');
    if (item == "help") {
      help_ = true;
    } else if (equals < item.size) {
      SetByName({item.begin, equals}, {item.begin + equals + 1, item.size - equals - 1});
    } else if (item.size > 0) {
      SetByName(item, {item.begin, 0});
    }
  });
}

void Reader::Read(const char* const* environment) {
  for (; *environment != nullptr; ++environment) {
    const Text variable = ToText(*environment);
    constexpr size_t kPrefixSize = sizeof(kPrefix) - 1;
    if (variable.size < kPrefixSize || !(Text{variable.begin, kPrefixSize} == kPrefix)) continue;
    const Text rest = {variable.begin + kPrefixSize, variable.size - kPrefixSize};
    const size_t equals = Find(rest, '=');
    if (equals == rest.size) continue;
    const Text name = {rest.begin, equals};
    const Text value = {rest.begin + equals + 1, rest.size - equals - 1};
    if (name == "OPTIONS") {
      SetList(value);
    } else {
      SetByName(name, value);
    }
  }
}

void PrintHelp(const Options& options) {
  Printer out;
  const Options standard;
  Options hardened;
  Harden(&hardened);
  out.Text("mymalloc options (MYMALLOC_<NAME>=value or MYMALLOC_OPTIONS=name=value:...):\n");
#define MYMALLOC_PRINT_OPTION(type, field, value, with_harden, asks, help) \
  out.Text("  " #field "=");                                               \
  Print(out, options.field);                                               \
  out.Text("  (default ");                                                 \
  Print(out, standard.field);                                              \
  if (!(standard.field == hardened.field)) {                               \
    out.Text(", with harden=1 ");                                          \
    Print(out, hardened.field);                                            \
  }                                                                        \
  out.Text(")  " help "\n").WriteTo(STDERR_FILENO);
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_PRINT_OPTION)
#undef MYMALLOC_PRINT_OPTION
}

template <typename T>
const char* ToText(Printer& out, const T& value) {
  Print(out, value);
  return out.Terminated();
}

bool IsSet(bool value) { return value; }
bool IsSet(uint32_t value) { return value != 0; }
bool IsSet(Bytes value) { return value.value != 0; }
// Of these it could not be said, so they ask nothing.
bool IsSet(Millis) { return false; }
bool IsSet(OnError) { return false; }
bool IsSet(HugePages) { return false; }
bool IsSet(const Path&) { return false; }

template <typename T>
constexpr bool kMayAsk =
    std::is_same_v<T, bool> || std::is_same_v<T, uint32_t> || std::is_same_v<T, Bytes>;

}  // namespace

Options g_options;
Policy g_policy;

Policy PolicyOf(const Options& options) {
  Policy policy;
#define MYMALLOC_ADD_ASKS(type, field, standard, hardened, asked, help)   \
  static_assert((asked) == kNothing || kMayAsk<type>, "when is it set?"); \
  if (IsSet(options.field)) policy.asks |= (asked);
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_ADD_ASKS)
#undef MYMALLOC_ADD_ASKS
  if (CountsEachAllocation(options.sample)) policy.asks |= kDetour;
  return policy;
}

void Harden(Options* options) {
#define MYMALLOC_HARDEN_OPTION(type, field, standard, hardened, asks, help) \
  options->field = hardened;
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_HARDEN_OPTION)
#undef MYMALLOC_HARDEN_OPTION
}

bool ReadOptionsFrom(const char* const* environment, Options* options) {
  // First whether it hardens: that makes other defaults, wherever in the environment it stands.
  Options asked = *options;
  Reader(&asked, /*quiet=*/true).Read(environment);
  if (asked.harden && !options->harden) Harden(options);
  Reader reader(options, /*quiet=*/false);
  reader.Read(environment);
  if (reader.help()) PrintHelp(*options);
  return reader.help();
}

// What is asked for once is said once: not again by every program that this one runs. An empty item
// means nothing.
void ForgetHelp(char* const* environment) {
  constexpr char kName[] = "MYMALLOC_OPTIONS=";
  constexpr size_t kNameSize = sizeof(kName) - 1;
  for (; *environment != nullptr; ++environment) {
    const Text variable = ToText(*environment);
    if (variable.size < kNameSize || !(Text{variable.begin, kNameSize} == kName)) continue;
    char* const value = *environment + kNameSize;
    ForEachItem(ToText(value), [value](Text item) {
      if (!(item == "help")) return;
      for (size_t i = 0; i < item.size; ++i) value[item.begin + i - value] = ':';
    });
  }
}

void ForEachOption(PrintOption print) {
#define MYMALLOC_SHOW_OPTION(type, field, standard, hardened, asks, help)               \
  {                                                                                     \
    Printer first;                                                                      \
    Printer second;                                                                     \
    print(#field, ToText<type>(first, standard), ToText<type>(second, hardened), help); \
  }
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_SHOW_OPTION)
#undef MYMALLOC_SHOW_OPTION
}

void ReadOptions() {
  // A setuid program must not let its caller decide.
  if (getauxval(AT_SECURE) != 0 || environ == nullptr) return;
  if (ReadOptionsFrom(environ, &g_options)) ForgetHelp(environ);
  g_policy = PolicyOf(g_options);
}

}  // namespace mymalloc
