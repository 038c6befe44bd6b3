#include "mymalloc/os/setting.h"

#include <fcntl.h>

#include "mymalloc/base/syscall.h"

namespace mymalloc::os {

size_t ReadSetting(const char* path, size_t otherwise) {
  const long fd = Syscall(SYS_open, reinterpret_cast<long>(path), O_RDONLY | O_CLOEXEC);
  if (IsError(fd)) return otherwise;
  char text[24] = {};
  const long length = Syscall(SYS_read, fd, reinterpret_cast<long>(text), sizeof(text));
  Syscall(SYS_close, fd);
  size_t number = 0;
  for (long i = 0; i < length && text[i] >= '0' && text[i] <= '9'; ++i)
    number = number * 10 + static_cast<size_t>(text[i] - '0');
  return number;
}

}  // namespace mymalloc::os
