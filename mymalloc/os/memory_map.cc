#include "mymalloc/os/memory_map.h"

#include <fcntl.h>

#include <cstddef>

#include "mymalloc/base/syscall.h"

namespace mymalloc::os {
namespace {

// Reads the file line by line through a small buffer; a line longer than that is cut.
class LineReader {
 public:
  LineReader()
      : fd_(Syscall(SYS_open, reinterpret_cast<long>("/proc/self/maps"), O_RDONLY | O_CLOEXEC)) {}
  ~LineReader() {
    if (!IsError(fd_)) Syscall(SYS_close, fd_);
  }
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  const char* Next() {
    size_t length = 0;
    for (int c = NextChar(); c != '\n'; c = NextChar()) {
      if (c < 0) return nullptr;
      if (length < sizeof(line_) - 1) line_[length++] = static_cast<char>(c);
    }
    line_[length] = '\0';
    return line_;
  }

 private:
  int NextChar() {
    if (at_ == filled_) {
      if (IsError(fd_)) return -1;
      const long n = Syscall(SYS_read, fd_, reinterpret_cast<long>(buffer_), sizeof(buffer_));
      if (n <= 0) return -1;
      filled_ = static_cast<size_t>(n);
      at_ = 0;
    }
    return static_cast<unsigned char>(buffer_[at_++]);
  }

  long fd_;
  size_t at_ = 0;
  size_t filled_ = 0;
  char buffer_[1024] = {};
  char line_[160] = {};
};

const char* ReadHex(const char* text, uintptr_t* value) {
  *value = 0;
  for (;; ++text) {
    const char c = *text;
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return text;
    *value = *value * 16 + static_cast<uintptr_t>(digit);
  }
}

bool StartsWith(const char* text, const char* start) {
  while (*start != '\0' && *text == *start) ++text, ++start;
  return *start == '\0';
}

Mapping::Kind KindOf(const char* name) {
  if (*name == '\0') return Mapping::kAnonymous;
  if (*name == '/') return Mapping::kFile;
  if (StartsWith(name, "[heap]")) return Mapping::kBrkHeap;
  if (StartsWith(name, "[stack")) return Mapping::kStack;
  return Mapping::kOther;
}

// "begin-end rwxp offset device inode     name"
Mapping Parse(const char* line) {
  Mapping mapping;
  line = ReadHex(line, &mapping.begin);
  line = ReadHex(line + (*line == '-'), &mapping.end);
  if (*line == ' ') ++line;
  mapping.readable = line[0] == 'r';
  mapping.writable = mapping.readable && line[1] == 'w';
  constexpr int kFieldsBeforeName = 4;
  for (int field = 0; field < kFieldsBeforeName; ++field) {
    while (*line != '\0' && *line != ' ') ++line;
    while (*line == ' ') ++line;
  }
  mapping.kind = KindOf(line);
  return mapping;
}

}  // namespace

bool FindMapping(uintptr_t address, Mapping* mapping) {
  LineReader reader;
  while (const char* line = reader.Next()) {
    *mapping = Parse(line);
    if (address < mapping->begin) return false;
    if (address < mapping->end) return true;
  }
  return false;
}

}  // namespace mymalloc::os
