#include "mymalloc/os/setting.h"

#include <fcntl.h>
#include <string.h>

#include "mymalloc/base/syscall.h"

namespace mymalloc::os {
namespace {

// The first of it; the rest of `text` stays zero. False if it cannot be opened.
constexpr size_t kLongest = 48;
bool ReadText(const char* path, char (&text)[kLongest]) {
  const long fd = Syscall(SYS_open, reinterpret_cast<long>(path), O_RDONLY | O_CLOEXEC);
  if (IsError(fd)) return false;
  Syscall(SYS_read, fd, reinterpret_cast<long>(text), sizeof(text) - 1);
  Syscall(SYS_close, fd);
  return true;
}

}  // namespace

size_t ReadSetting(const char* path, size_t otherwise) {
  char text[kLongest] = {};
  if (!ReadText(path, text)) return otherwise;
  size_t number = 0;
  for (const char* digit = text; *digit >= '0' && *digit <= '9'; ++digit) {
    number = number * 10 + static_cast<size_t>(*digit - '0');
  }
  return number;
}

bool SettingHas(const char* path, std::initializer_list<const char*> words) {
  char text[kLongest] = {};
  if (!ReadText(path, text)) return false;
  bool has = false;
  for (const char* word : words) has |= strstr(text, word) != nullptr;
  return has;
}

}  // namespace mymalloc::os
