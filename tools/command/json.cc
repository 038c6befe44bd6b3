#include "tools/command/json.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace mymalloc::command {
namespace {

constexpr absl::string_view kReplacement = "\xef\xbf\xbd";

// Surrogates, overlong forms and what is beyond Unicode are no UTF-8 either.
bool IsCodePoint(uint32_t point, size_t length) {
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  return point >= kLeast[length] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

// How many bytes the character at the text's begin has; 0 if there is none.
size_t Utf8Length(absl::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc0 || first > 0xf7 || text.size() < length) return 0;
  uint32_t point = first & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return 0;
    point = point << 6 | (next & 0x3fu);
  }
  return IsCodePoint(point, length) ? length : 0;
}

void AppendAscii(char c, std::string* result) {
  if (c == '"' || c == '\\') {
    *result += '\\';
    *result += c;
  } else if (c == '\n') {
    *result += "\\n";
  } else if (c == '\t') {
    *result += "\\t";
  } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
    absl::StrAppendFormat(result, "\\u%04x", static_cast<unsigned>(c));
  } else {
    *result += c;
  }
}

}  // namespace

std::string JsonString(absl::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 1) {
      AppendAscii(text[0], &result);
    } else {
      absl::StrAppend(&result, length == 0 ? kReplacement : text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result + "\"";
}

JsonWriter& JsonWriter::Append(absl::string_view value) {
  absl::StrAppend(&text_, needs_comma_ ? "," : "", value);
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Begin(char bracket) {
  Append({&bracket, 1});
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::End(char bracket) {
  text_ += bracket;
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Key(absl::string_view name) {
  Append(absl::StrCat(JsonString(name), ":"));
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Value(absl::string_view text) { return Append(JsonString(text)); }
JsonWriter& JsonWriter::Value(uint64_t number) { return Append(absl::StrCat(number)); }
JsonWriter& JsonWriter::Value(bool truth) { return Append(truth ? "true" : "false"); }

JsonWriter& JsonWriter::OptionalPair(absl::string_view name, absl::string_view text) {
  return text.empty() ? *this : Key(name).Value(text);
}

}  // namespace mymalloc::command
