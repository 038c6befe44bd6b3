#include "mymalloc/base/option_value.h"

#include <signal.h>

namespace mymalloc::option_value {

Text ToText(const char* s) {
  size_t size = 0;
  while (s[size] != '\0') ++size;
  return {s, size};
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

namespace {

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

}  // namespace

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

// A number of allocations, or with a unit of bytes.
bool Parse(Text value, Sampling* result) {
  uint64_t allocations;
  Text unit;
  if (!ParseNumber(value, ~uint32_t{0}, &allocations, &unit)) return false;
  if (unit.size == 0) return *result = {allocations}, true;
  Bytes bytes;
  if (!Parse(value, &bytes)) return false;
  *result = {bytes.value, bytes.value != 0};
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

bool Parse(Text value, PrintedStats* result) {
  if (value == "none" || value == "0") return *result = PrintedStats::kNone, true;
  if (value == "text" || value == "1") return *result = PrintedStats::kText, true;
  if (value == "json") return *result = PrintedStats::kJson, true;
  if (value == "prometheus") return *result = PrintedStats::kPrometheus, true;
  return false;
}

namespace {

// Those that a program can do without.
struct SignalName {
  const char* name;
  uint32_t number;
};
constexpr SignalName kSignals[] = {
    {"none", 0},         {"HUP", SIGHUP},       {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
    {"ALRM", SIGALRM},   {"URG", SIGURG},       {"XCPU", SIGXCPU}, {"PROF", SIGPROF},
    {"WINCH", SIGWINCH}, {"VTALRM", SIGVTALRM}, {"PWR", SIGPWR},   {"QUIT", SIGQUIT},
};

}  // namespace

bool Parse(Text value, Signal* result) {
  constexpr char kPrefixOfName[] = "SIG";
  constexpr size_t kPrefixSize = sizeof(kPrefixOfName) - 1;
  const bool prefixed = value.size > kPrefixSize && Text{value.begin, kPrefixSize} == kPrefixOfName;
  const Text name = prefixed ? Text{value.begin + kPrefixSize, value.size - kPrefixSize} : value;
  for (const SignalName& signal : kSignals) {
    if (name == signal.name) return result->number = signal.number, true;
  }
  constexpr uint32_t kLast = 64;
  if (!Parse(value, &result->number) || result->number > kLast) return false;
  return result->number != SIGKILL && result->number != SIGSTOP;
}

// Bytes as above, or hundredths of a whole.
bool Parse(Text value, MemoryLimit* result) {
  *result = {};
  if (value.size > 1 && value.begin[value.size - 1] == '%') {
    constexpr uint32_t kWhole = 100;
    return Parse(Text{value.begin, value.size - 1}, &result->percent) && result->percent != 0 &&
           result->percent <= kWhole;
  }
  Bytes bytes;
  if (!Parse(value, &bytes)) return false;
  result->bytes = bytes.value;
  return true;
}

void Print(Printer& out, bool value) { out.Text(value ? "1" : "0"); }
void Print(Printer& out, Sampling value) {
  value.bytes ? out.Size(value.every) : out.Decimal(value.every);
}
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

void Print(Printer& out, PrintedStats value) {
  out.Text(value == PrintedStats::kNone   ? "none"
           : value == PrintedStats::kText ? "text"
           : value == PrintedStats::kJson ? "json"
                                          : "prometheus");
}
void Print(Printer& out, Signal value) {
  for (const SignalName& signal : kSignals) {
    if (signal.number == value.number) {
      out.Text(signal.name);
      return;
    }
  }
  out.Decimal(value.number);
}
void Print(Printer& out, MemoryLimit value) {
  if (value.percent != 0) {
    out.Decimal(value.percent).Text("%");
  } else {
    out.Size(value.bytes);
  }
}

void Print(Printer& out, const Path& value) { out.Text(value.IsEmpty() ? "none" : value.text); }

const char* Wanted(bool) { return "1 or 0"; }
const char* Wanted(Sampling) { return "a number of allocations, 5000, or of bytes, 100M"; }
const char* Wanted(Bytes) { return "a number of bytes, or of K, M or G: 64K"; }
const char* Wanted(Millis) { return "a time with its unit, 500ms, 2s or 10m, or never"; }
const char* Wanted(OnError) { return "abort, warn or ignore"; }
const char* Wanted(HugePages) { return "auto, never or always"; }

const char* Wanted(PrintedStats) { return "none, text, json or prometheus"; }
const char* Wanted(Signal) { return "a signal's name or number, USR2 or 12, or none"; }
const char* Wanted(MemoryLimit) { return "a number of bytes, or of K, M or G, or 1% to 100%"; }

const char* Wanted(const Path&) { return "a path of up to 511 printable bytes, or none"; }
static_assert(Path::kCapacity == 512, "Wanted says so");

}  // namespace mymalloc::option_value
