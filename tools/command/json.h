// JSON, as far as this command writes it.

#ifndef MYMALLOC_TOOLS_COMMAND_JSON_H_
#define MYMALLOC_TOOLS_COMMAND_JSON_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace mymalloc::command {

// A string in quotes. What is no UTF-8 becomes U+FFFD: paths are any bytes.
std::string JsonString(absl::string_view text);

// Objects and arrays, written from the outside in; commas come by themselves.
class JsonWriter {
 public:
  JsonWriter& Begin(char bracket);  // '{' or '['
  JsonWriter& End(char bracket);
  JsonWriter& Key(absl::string_view name);
  JsonWriter& Value(absl::string_view text);
  JsonWriter& Value(const char* text) { return Value(absl::string_view(text)); }  // no truth
  JsonWriter& Value(uint64_t number);
  JsonWriter& Value(bool truth);
  // A pair, or nothing if the text is empty.
  JsonWriter& OptionalPair(absl::string_view name, absl::string_view text);

  const std::string& text() const { return text_; }

 private:
  JsonWriter& Append(absl::string_view value);

  std::string text_;
  bool needs_comma_ = false;
};

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_JSON_H_
