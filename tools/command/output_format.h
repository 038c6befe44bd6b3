// The flag --format, of every subcommand that prints for people or for programs.

#ifndef MYMALLOC_TOOLS_COMMAND_OUTPUT_FORMAT_H_
#define MYMALLOC_TOOLS_COMMAND_OUTPUT_FORMAT_H_

#include <string>

#include "absl/flags/declare.h"
#include "absl/strings/string_view.h"

namespace mymalloc::command {

enum class OutputFormat { kText, kJson };

bool AbslParseFlag(absl::string_view text, OutputFormat* format, std::string* error);
std::string AbslUnparseFlag(OutputFormat format);

}  // namespace mymalloc::command

ABSL_DECLARE_FLAG(mymalloc::command::OutputFormat, format);

#endif  // MYMALLOC_TOOLS_COMMAND_OUTPUT_FORMAT_H_
