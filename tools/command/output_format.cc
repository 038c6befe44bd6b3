#include "tools/command/output_format.h"

#include "absl/flags/flag.h"

ABSL_FLAG(mymalloc::command::OutputFormat, format, mymalloc::command::OutputFormat::kText,
          "text, or json: an object on a line for each item");

namespace mymalloc::command {

bool AbslParseFlag(absl::string_view text, OutputFormat* format, std::string* error) {
  *format = text == "json" ? OutputFormat::kJson : OutputFormat::kText;
  if (text == "json" || text == "text") return true;
  *error = "it is text or json";
  return false;
}

std::string AbslUnparseFlag(OutputFormat format) {
  return format == OutputFormat::kJson ? "json" : "text";
}

}  // namespace mymalloc::command
