// JSON, as far as this command reads it: by descent, without a tree of values in memory.

#ifndef MYMALLOC_TOOLS_COMMAND_JSON_READER_H_
#define MYMALLOC_TOOLS_COMMAND_JSON_READER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"

namespace mymalloc::command {

// Each call reads the next value. After the first mistake all of them read nothing, so that only
// the end need ask for it.
class JsonReader {
 public:
  explicit JsonReader(absl::string_view text) : text_(text), rest_(text) {}

  // Calls for each member; the call reads its value, or skips it.
  void Object(const std::function<void(const std::string& key)>& member);
  void Array(const std::function<void()>& element);
  std::string String();
  uint64_t Number();   // not negative; what is behind a point is left out
  uint64_t Address();  // a string such as "0x7f00"; or a number
  void Skip();
  bool AtNumber();
  bool AtArray();
  // Nothing may follow.
  void End();

  bool failed() const { return !mistake_.empty(); }
  // What is wrong and where; empty if nothing is.
  const std::string& mistake() const { return mistake_; }

 private:
  static constexpr int kDeepest = 64;

  void Fail(absl::string_view what);
  void SkipBlanks();
  // Whether the next character that is no blank is this one; then it is read.
  bool Take(char c);
  void Expect(char c);
  bool EnterOneDeeper();
  void Escape(std::string* result);
  uint32_t HexDigits();
  void SkipWord();

  absl::string_view text_;
  absl::string_view rest_;
  int depth_ = 0;
  std::string mistake_;
};

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_JSON_READER_H_
