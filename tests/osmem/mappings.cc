#include "tests/osmem/mappings.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace mymalloc::test {
namespace {

// Calls visit(begin, end) for each line, which is "begin-end ...", in hexadecimal.
template <typename Visit>
void ForEachMapping(Visit&& visit) {
  const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  uintptr_t bounds[2] = {0, 0};
  unsigned part = 0;  // of the line: the bounds, then the rest
  char text[4096];
  for (ssize_t n = read(fd, text, sizeof(text)); n > 0; n = read(fd, text, sizeof(text))) {
    for (const char* c = text; c != text + n; ++c) {
      if (*c == '\n') {
        visit(bounds[0], bounds[1]);
        bounds[0] = bounds[1] = part = 0;
      } else if (part < 2 && (*c == '-' || *c == ' ')) {
        ++part;
      } else if (part < 2) {
        bounds[part] =
            bounds[part] * 16 + static_cast<uintptr_t>(*c <= '9' ? *c - '0' : *c - 'a' + 10);
      }
    }
  }
  close(fd);
}

}  // namespace

size_t MappedBytes(uintptr_t address, size_t length) {
  size_t bytes = 0;
  ForEachMapping([&](uintptr_t begin, uintptr_t end) {
    begin = std::max(begin, address);
    end = std::min(end, address + length);
    if (begin < end) bytes += end - begin;
  });
  return bytes;
}

size_t MappedBytes() { return MappedBytes(0, UINTPTR_MAX); }

}  // namespace mymalloc::test
