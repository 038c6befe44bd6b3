#include "mymalloc/base/options.h"

#include <sys/auxv.h>
#include <unistd.h>

#include <cstddef>

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

// A number and a unit: ms (also without a unit), s, m.
bool Parse(Text value, uint64_t* millis) {
  constexpr uint64_t kLargest = 1000ull * 60 * 60 * 24;
  uint64_t n = 0;
  size_t i = 0;
  for (; i < value.size && value.begin[i] >= '0' && value.begin[i] <= '9'; ++i) {
    n = n * 10 + static_cast<uint64_t>(value.begin[i] - '0');
    if (n > kLargest) return false;
  }
  if (i == 0) return false;
  const Text unit = {value.begin + i, value.size - i};
  if (unit == "s") {
    n *= 1000;
  } else if (unit == "m") {
    n *= uint64_t{60} * 1000;
  } else if (!(unit == "ms" || unit == "")) {
    return false;
  }
  *millis = n;
  return n <= kLargest;
}

void Print(Printer& out, bool value) { out.Text(value ? "1" : "0"); }
void Print(Printer& out, uint64_t millis) { out.Decimal(millis).Text("ms"); }
void Print(Printer& out, OnError value) {
  out.Text(value == OnError::kAbort ? "abort" : value == OnError::kWarn ? "warn" : "ignore");
}

template <typename T>
void Set(Text name, Text value, T* option) {
  T parsed{};
  if (Parse(value, &parsed)) {
    *option = parsed;
    return;
  }
  Printer out;
  out.Text("mymalloc: option ");
  Append(out, name);
  out.Text(": bad value \"");
  Append(out, value);
  out.Text("\" is ignored; MYMALLOC_OPTIONS=help lists the options\n").WriteTo(STDERR_FILENO);
}

void SetByName(Text name, Text value, Options* options) {
#define MYMALLOC_SET_OPTION(type, field, standard, help) \
  if (name.IsName(#field)) return Set(name, value, &options->field);
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_SET_OPTION)
#undef MYMALLOC_SET_OPTION
  Printer out;
  out.Text("mymalloc: unknown option \"");
  Append(out, name);
  out.Text("\" is ignored; MYMALLOC_OPTIONS=help lists the options\n").WriteTo(STDERR_FILENO);
}

void PrintHelp(const Options& options) {
  Printer out;
  const Options standard;
  out.Text("mymalloc options (MYMALLOC_<NAME>=value or MYMALLOC_OPTIONS=name=value:...):\n");
#define MYMALLOC_PRINT_OPTION(type, field, value, help) \
  out.Text("  " #field "=");                            \
  Print(out, options.field);                            \
  out.Text("  (default ");                              \
  Print(out, standard.field);                           \
  out.Text(")  " help "\n");
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_PRINT_OPTION)
#undef MYMALLOC_PRINT_OPTION
  out.WriteTo(STDERR_FILENO);
}

size_t Find(Text text, char c) {
  size_t i = 0;
  while (i < text.size && text.begin[i] != c) ++i;
  return i;
}

// name=value:name=value. Returns whether help was asked for.
bool SetList(Text list, Options* options) {
  bool help = false;
  while (list.size > 0) {
    const size_t end = Find(list, ':');
    const Text item = {list.begin, end};
    const size_t equals = Find(item, '=');
    if (item == "help") {
      help = true;
    } else if (equals < item.size) {
      SetByName({item.begin, equals}, {item.begin + equals + 1, item.size - equals - 1}, options);
    } else if (item.size > 0) {
      SetByName(item, {item.begin, 0}, options);
    }
    const size_t used = end < list.size ? end + 1 : end;
    list = {list.begin + used, list.size - used};
  }
  return help;
}

}  // namespace

Options g_options;

void ReadOptionsFrom(const char* const* environment, Options* options) {
  bool help = false;
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
      help |= SetList(value, options);
    } else {
      SetByName(name, value, options);
    }
  }
  if (help) PrintHelp(*options);
}

void ReadOptions() {
  // A setuid program must not let its caller decide.
  if (getauxval(AT_SECURE) != 0 || environ == nullptr) return;
  ReadOptionsFrom(environ, &g_options);
}

}  // namespace mymalloc
