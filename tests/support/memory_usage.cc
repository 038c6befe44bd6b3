#include "tests/support/memory_usage.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace mymalloc::test {
namespace {

// Calls consume(data, size) for each piece of the file.
template <typename Consumer>
void ForEachPiece(const char* path, Consumer consume) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) abort();
  char buffer[4096];
  for (ssize_t got; (got = read(fd, buffer, sizeof(buffer))) > 0;) {
    consume(buffer, static_cast<size_t>(got));
  }
  close(fd);
}

}  // namespace

size_t ResidentBytes() {
  char text[256] = {};
  ForEachPiece("/proc/self/statm", [&text](const char* data, size_t size) {
    memcpy(text, data, std::min(size, sizeof(text) - 1));
  });
  const char* second_number = strchr(text, ' ');
  if (second_number == nullptr) abort();
  const auto pages = static_cast<size_t>(strtoull(second_number, nullptr, 10));
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

size_t MappingCount() {
  size_t lines = 0;
  ForEachPiece("/proc/self/maps", [&lines](const char* data, size_t size) {
    lines += static_cast<size_t>(std::count(data, data + size, '\n'));
  });
  return lines;
}

size_t AwaitResidentAtMost(size_t bytes, std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kStep{50};
  size_t resident = ResidentBytes();
  for (; resident > bytes && patience.count() > 0; patience -= kStep) {
    usleep(static_cast<useconds_t>(kStep.count()) * 1000);
    resident = ResidentBytes();
  }
  return resident;
}

}  // namespace mymalloc::test
