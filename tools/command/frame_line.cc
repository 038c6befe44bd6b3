#include "tools/command/frame_line.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace mymalloc::command {
namespace {

constexpr absl::string_view kStart = "    #";
constexpr absl::string_view kBuildId = " (build id ";
constexpr uint64_t kKernelPage = 4096;

bool IsLowerHex(char c) {
  return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
}

// "0x" and digits, as the library writes them, off the front.
bool ConsumeHex(absl::string_view* text, uint64_t* number) {
  absl::string_view rest = *text;
  if (!absl::ConsumePrefix(&rest, "0x")) return false;
  size_t digits = 0;
  while (digits < rest.size() && IsLowerHex(rest[digits])) ++digits;
  if (digits == 0 || !absl::SimpleHexAtoi(rest.substr(0, digits), number)) return false;
  *text = rest.substr(digits);
  return true;
}

bool ConsumeDecimal(absl::string_view* text, uint64_t* number) {
  size_t digits = 0;
  while (digits < text->size() && absl::ascii_isdigit(static_cast<unsigned char>((*text)[digits])))
    ++digits;
  if (digits == 0 || !absl::SimpleAtoi(text->substr(0, digits), number)) return false;
  text->remove_prefix(digits);
  return true;
}

// Off the end, if it is there. False if what stands there is none.
bool ConsumeBuildId(absl::string_view* text, std::string* build_id) {
  const size_t at = text->rfind(kBuildId);
  if (at == absl::string_view::npos) return true;
  absl::string_view digits = text->substr(at + kBuildId.size());
  if (!absl::ConsumeSuffix(&digits, ")") || digits.empty() || digits.size() % 2 != 0) return false;
  for (const char c : digits) {
    if (!IsLowerHex(c)) return false;
  }
  *build_id = std::string(digits);
  text->remove_suffix(text->size() - at);
  return true;
}

// PATH+0xOFFSET, where the path may be anything.
bool ParsePlace(absl::string_view text, FrameLine* frame) {
  const size_t plus = text.rfind('+');
  if (plus == absl::string_view::npos || plus == 0) return false;
  absl::string_view offset = text.substr(plus + 1);
  frame->module = std::string(text.substr(0, plus));
  return ConsumeHex(&offset, &frame->offset) && offset.empty();
}

}  // namespace

std::optional<FrameLine> ParseFrameLine(absl::string_view line) {
  const size_t start = line.find(kStart);
  if (start == absl::string_view::npos) return std::nullopt;
  FrameLine frame;
  frame.prefix = std::string(line.substr(0, start + kStart.size() - 1));
  line.remove_prefix(start + kStart.size());
  if (!ConsumeDecimal(&line, &frame.number) || !absl::ConsumePrefix(&line, " ") ||
      !ConsumeHex(&line, &frame.address) || !absl::ConsumePrefix(&line, ": ") ||
      !ConsumeBuildId(&line, &frame.build_id) || !ParsePlace(line, &frame)) {
    return std::nullopt;
  }
  // A file is loaded at a whole page: what says otherwise is no frame of ours.
  if (frame.offset > frame.address || frame.load_base() % kKernelPage != 0) return std::nullopt;
  return frame;
}

}  // namespace mymalloc::command
