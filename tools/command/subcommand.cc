#include "tools/command/subcommand.h"

#include <algorithm>
#include <cstdio>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "tools/command/progress.h"

namespace mymalloc::command {
namespace {

using Arguments = std::vector<std::string>;

// Abseil's own parser would take every flag of every subcommand, and exit by itself.
class Parser {
 public:
  Parser(const Subcommand& subcommand, const Arguments& arguments)
      : subcommand_(subcommand), arguments_(arguments) {}

  std::string Parse(Arguments* operands) {
    while (next_ < arguments_.size()) {
      const std::string& argument = arguments_[next_];
      if (argument == "--") {
        next_ += subcommand_.may_take_program ? 0 : 1;
        break;
      }
      if (argument.size() < 2 || argument[0] != '-') {
        if (subcommand_.takes_program) break;
        operands->push_back(argument);
        ++next_;
        continue;
      }
      std::string error = ParseFlag();
      if (!error.empty()) return error;
    }
    operands->insert(operands->end(), arguments_.begin() + static_cast<ptrdiff_t>(next_),
                     arguments_.end());
    return "";
  }

 private:
  // --name=value, --name value, --name, --no-name; dashes as good as underscores. -o is --output.
  std::string ParseFlag() {
    const std::string& argument = arguments_[next_++];
    const size_t equals = argument.find('=');
    const std::string text = argument.substr(0, equals);
    const bool has_value = equals != std::string::npos;
    absl::CommandLineFlag* flag = Find(text);
    if (flag != nullptr && flag->IsOfType<bool>()) {
      return Set(flag, text, has_value ? argument.substr(equals + 1) : "true");
    }
    if (flag == nullptr && !has_value) {
      flag = FindNegated(text);
      if (flag != nullptr) return Set(flag, text, "false");
    }
    if (flag == nullptr) return absl::StrCat("there is no flag ", text);
    if (has_value) return Set(flag, text, argument.substr(equals + 1));
    if (next_ == arguments_.size()) return absl::StrCat(text, " needs a value");
    return Set(flag, text, arguments_[next_++]);
  }

  absl::CommandLineFlag* Find(absl::string_view text) const {
    if (text == "-o") text = "--output";
    if (!absl::ConsumePrefix(&text, "--")) return nullptr;
    const std::string name = absl::StrReplaceAll(text, {{"-", "_"}});
    const std::vector<std::string>& flags = subcommand_.flags;
    if (std::find(flags.begin(), flags.end(), name) == flags.end()) return nullptr;
    return absl::FindCommandLineFlag(name);
  }

  absl::CommandLineFlag* FindNegated(absl::string_view text) const {
    if (!absl::ConsumePrefix(&text, "--no")) return nullptr;
    absl::ConsumePrefix(&text, "-");
    absl::CommandLineFlag* const flag = Find(absl::StrCat("--", text));
    return flag != nullptr && flag->IsOfType<bool>() ? flag : nullptr;
  }

  // A flag that takes several values may also be given several times.
  static std::string Set(absl::CommandLineFlag* flag, absl::string_view text, std::string value) {
    if (flag->IsOfType<std::vector<std::string>>() && !flag->CurrentValue().empty()) {
      value = absl::StrCat(flag->CurrentValue(), ",", value);
    }
    std::string error;
    if (flag->ParseFrom(value, &error)) return "";
    return absl::StrCat(text, ": bad value \"", value, "\"; it is: ", flag->Help());
  }

  const Subcommand& subcommand_;
  const Arguments& arguments_;
  size_t next_ = 0;
};

// Whether help is asked for, and not of the program that is run.
bool AsksForHelp(const Subcommand& subcommand, const Arguments& arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--" || (subcommand.takes_program && !absl::StartsWith(argument, "-"))) break;
    if (argument == "--help" || argument == "-h") return true;
  }
  return false;
}

std::string HelpOfFlag(const std::string& name) {
  const absl::CommandLineFlag* const flag = absl::FindCommandLineFlag(name);
  const bool is_switch = flag->IsOfType<bool>();
  const std::string standard = flag->DefaultValue();
  const std::string shown = absl::StrReplaceAll(name, {{"_", "-"}});
  return absl::StrCat("  --", is_switch ? "[no-]" : "", shown, is_switch ? "" : "=...", "\n      ",
                      flag->Help(), standard.empty() ? "" : absl::StrCat(" (", standard, ")"),
                      "\n");
}

}  // namespace

void Complain(absl::string_view name, absl::string_view message) {
  EndProgress();
  const std::string line = absl::StrCat("mymalloc ", name, ": ", message, "\n");
  std::fwrite(line.data(), 1, line.size(), stderr);
}

std::string ParseArguments(const Subcommand& subcommand, const Arguments& arguments,
                           Arguments* operands) {
  return Parser(subcommand, arguments).Parse(operands);
}

std::string HelpOf(const Subcommand& subcommand) {
  std::string help = absl::StrCat("usage: mymalloc ", subcommand.name, " [FLAG...] ",
                                  subcommand.operands, "\n\n", subcommand.summary, ".\n\n");
  for (const std::string& flag : subcommand.flags) absl::StrAppend(&help, HelpOfFlag(flag));
  absl::StrAppend(&help, "\n", subcommand.details);
  return help;
}

int RunSubcommand(const Subcommand& subcommand, const Arguments& arguments) {
  if (AsksForHelp(subcommand, arguments)) {
    const std::string help = HelpOf(subcommand);
    return std::fwrite(help.data(), 1, help.size(), stdout) == help.size() ? 0 : kFailed;
  }
  Arguments operands;
  const std::string error = ParseArguments(subcommand, arguments, &operands);
  if (error.empty()) return subcommand.run(operands);
  Complain(subcommand.name,
           absl::StrCat(error, "; mymalloc ", subcommand.name, " --help lists the flags"));
  return subcommand.usage_error;
}

}  // namespace mymalloc::command
