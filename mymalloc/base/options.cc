#include "mymalloc/base/options.h"

#include <sys/auxv.h>
#include <unistd.h>

#include <cstddef>
#include <type_traits>

#include "mymalloc/base/option_value.h"
#include "mymalloc/base/printer.h"

namespace mymalloc {

using option_value::Parse;
using option_value::Print;
using option_value::Text;
using option_value::ToText;
using option_value::Wanted;

namespace {

constexpr char kPrefix[] = "MYMALLOC_";

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
bool IsSet(Sampling value) { return value.every != 0 && !(value == kUnaskedSampling); }
bool IsSet(Bytes value) { return value.value != 0; }
// Of these it could not be said, so they ask nothing.
bool IsSet(Millis) { return false; }
bool IsSet(OnError) { return false; }
bool IsSet(HugePages) { return false; }
bool IsSet(const Path&) { return false; }
bool IsSet(PrintedStats) { return false; }
bool IsSet(Signal) { return false; }
bool IsSet(MemoryLimit) { return false; }

template <typename T>
constexpr bool kMayAsk =
    std::is_same_v<T, bool> || std::is_same_v<T, Sampling> || std::is_same_v<T, Bytes>;

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

void PrintOptionsInForce(const Options& options, Printer& out) {
  const Options standard;
#define MYMALLOC_PRINT_IF_SET(type, field, value, hardened, asks, help) \
  if (!(options.field == standard.field)) {                             \
    out.Text(" " #field "=");                                           \
    Print(out, options.field);                                          \
  }
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_PRINT_IF_SET)
#undef MYMALLOC_PRINT_IF_SET
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
