#include "tests/support/memory_usage.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace mymalloc::test {
namespace {

// Calls consume(data, size) for each piece of the file. False if it cannot be opened.
template <typename Consumer>
bool ForEachPiece(const char* path, Consumer consume) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char buffer[4096];
  for (ssize_t got; (got = read(fd, buffer, sizeof(buffer))) > 0;) {
    consume(buffer, static_cast<size_t>(got));
  }
  close(fd);
  return true;
}

struct Usage {
  size_t virtual_bytes;
  size_t resident_bytes;
};

// From a statm file; zeros if there is none.
Usage UsageIn(const char* path) {
  char text[256] = {};
  const bool opened = ForEachPiece(path, [&text](const char* data, size_t size) {
    memcpy(text, data, std::min(size, sizeof(text) - 1));
  });
  if (!opened) return {0, 0};
  char* end = nullptr;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t size = page * strtoull(text, &end, 10);
  return {size, page * strtoull(end, nullptr, 10)};
}

Usage OwnUsage() {
  const Usage usage = UsageIn("/proc/self/statm");
  if (usage.virtual_bytes == 0) abort();
  return usage;
}

}  // namespace

size_t ResidentBytes() { return OwnUsage().resident_bytes; }

size_t VirtualBytes() { return OwnUsage().virtual_bytes; }

size_t ResidentBytes(pid_t process) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/statm", process);
  return UsageIn(path).resident_bytes;
}

size_t MappingCount() {
  size_t lines = 0;
  const bool opened = ForEachPiece("/proc/self/maps", [&lines](const char* data, size_t size) {
    lines += static_cast<size_t>(std::count(data, data + size, '\n'));
  });
  if (!opened) abort();
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
