#include "tools/command/json_reader.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace mymalloc::command {
namespace {

void AppendUtf8(uint32_t point, std::string* result) {
  if (point < 0x80) {
    *result += static_cast<char>(point);
    return;
  }
  const int tail = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  const uint32_t lead = tail == 1 ? 0xc0 : tail == 2 ? 0xe0 : 0xf0;
  *result += static_cast<char>(lead | point >> (6 * tail));
  for (int i = tail - 1; i >= 0; --i) {
    *result += static_cast<char>(0x80 | (point >> (6 * i) & 0x3f));
  }
}

bool IsHighSurrogate(uint32_t unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool IsLowSurrogate(uint32_t unit) { return unit >= 0xdc00 && unit < 0xe000; }

}  // namespace

void JsonReader::Fail(absl::string_view what) {
  if (failed()) return;
  mistake_ = absl::StrCat(what, " at byte ", text_.size() - rest_.size());
  rest_ = {};
}

void JsonReader::SkipBlanks() {
  rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
}

bool JsonReader::Take(char c) {
  SkipBlanks();
  if (rest_.empty() || rest_[0] != c) return false;
  rest_.remove_prefix(1);
  return true;
}

void JsonReader::Expect(char c) {
  if (!Take(c)) Fail(absl::StrCat("no '", absl::string_view(&c, 1), "'"));
}

bool JsonReader::EnterOneDeeper() {
  if (++depth_ <= kDeepest) return true;
  Fail("nested too deep");
  return false;
}

void JsonReader::Object(const std::function<void(const std::string& key)>& member) {
  Expect('{');
  if (failed() || !EnterOneDeeper()) return;
  if (!Take('}')) {
    do {
      const std::string key = String();
      Expect(':');
      if (failed()) return;
      member(key);
    } while (Take(','));
    Expect('}');
  }
  --depth_;
}

void JsonReader::Array(const std::function<void()>& element) {
  Expect('[');
  if (failed() || !EnterOneDeeper()) return;
  if (!Take(']')) {
    do {
      element();
    } while (!failed() && Take(','));
    Expect(']');
  }
  --depth_;
}

std::string JsonReader::String() {
  std::string result;
  Expect('"');
  while (!failed()) {
    const size_t plain = rest_.find_first_of("\"\\");
    if (plain == absl::string_view::npos) {
      Fail("a string does not end");
      break;
    }
    absl::StrAppend(&result, rest_.substr(0, plain));
    const bool at_end = rest_[plain] == '"';
    rest_.remove_prefix(plain + 1);
    if (at_end) break;
    Escape(&result);
  }
  return result;
}

void JsonReader::Escape(std::string* result) {
  constexpr absl::string_view kLetters = "\"\\/bfnrt";
  constexpr absl::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const char letter = rest_.empty() ? '\0' : rest_[0];
  const size_t known = kLetters.find(letter);
  if (known == absl::string_view::npos && letter != 'u') return Fail("an unknown escape");
  rest_.remove_prefix(1);
  if (letter != 'u') {
    *result += kMeanings[known];
    return;
  }
  uint32_t point = HexDigits();
  if (IsHighSurrogate(point) && absl::ConsumePrefix(&rest_, "\\u")) {
    const uint32_t low = HexDigits();
    point = IsLowSurrogate(low) ? 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
  }
  AppendUtf8(point >= 0xd800 && point < 0xe000 ? 0xfffd : point, result);
}

uint32_t JsonReader::HexDigits() {
  uint32_t value = 0;
  if (rest_.size() < 4 || !absl::SimpleHexAtoi(rest_.substr(0, 4), &value)) {
    Fail("no four hexadecimal digits");
    return 0;
  }
  rest_.remove_prefix(4);
  return value;
}

bool JsonReader::AtNumber() {
  SkipBlanks();
  return !rest_.empty() && absl::ascii_isdigit(static_cast<unsigned char>(rest_[0]));
}

bool JsonReader::AtArray() {
  SkipBlanks();
  return !rest_.empty() && rest_[0] == '[';
}

uint64_t JsonReader::Number() {
  SkipBlanks();
  const size_t length = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
  uint64_t value = 0;
  if (!absl::SimpleAtoi(rest_.substr(0, length), &value)) {
    Fail("no number that is not negative");
    return 0;
  }
  rest_.remove_prefix(length);
  if (!rest_.empty() && rest_[0] == '.') SkipWord();
  return value;
}

uint64_t JsonReader::Address() {
  SkipBlanks();
  if (rest_.empty() || rest_[0] != '"') return Number();
  const std::string text = String();
  uint64_t value = 0;
  if (!failed() && !absl::SimpleHexAtoi(text, &value)) Fail("no address");
  return value;
}

void JsonReader::SkipWord() {
  const size_t length = std::min(rest_.find_first_of(",]} \t\r\n"), rest_.size());
  if (length == 0) return Fail("no value");
  rest_.remove_prefix(length);
}

void JsonReader::Skip() {
  SkipBlanks();
  const char first = rest_.empty() ? '\0' : rest_[0];
  if (first == '{') {
    Object([this](const std::string&) { Skip(); });
  } else if (first == '[') {
    Array([this] { Skip(); });
  } else if (first == '"') {
    String();
  } else {
    SkipWord();
  }
}

void JsonReader::End() {
  SkipBlanks();
  if (!rest_.empty()) Fail("text behind the end");
}

}  // namespace mymalloc::command
