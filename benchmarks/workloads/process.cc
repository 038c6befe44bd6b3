#include "benchmarks/workloads/process.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "benchmarks/workloads/block.h"

namespace workloads {
namespace {

// Reads a small file of /proc into `buffer`, as a string.
template <size_t kSize>
void ReadSmallFile(const char* path, char (&buffer)[kSize]) {
  buffer[0] = '\0';
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  const ssize_t got = read(fd, buffer, kSize - 1);
  buffer[got > 0 ? got : 0] = '\0';
  close(fd);
}

// Calls `visit(line)` for each line of /proc/self/maps, without stdio and its buffers.
template <typename Visit>
void ForEachMapping(Visit visit) {
  const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  char buffer[8192];
  size_t filled = 0;
  ssize_t got;
  while ((got = read(fd, buffer + filled, sizeof(buffer) - 1 - filled)) > 0) {
    filled += static_cast<size_t>(got);
    char* line = buffer;
    while (char* end = static_cast<char*>(
               memchr(line, '\n', filled - static_cast<size_t>(line - buffer)))) {
      *end = '\0';
      visit(line);
      line = end + 1;
    }
    filled -= static_cast<size_t>(line - buffer);
    memmove(buffer, line, filled);
  }
  close(fd);
}

double Seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
}

}  // namespace

double Now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void SleepSeconds(double seconds) {
  timespec t;
  t.tv_sec = static_cast<time_t>(seconds);
  t.tv_nsec = static_cast<long>((seconds - static_cast<double>(t.tv_sec)) * 1e9);
  nanosleep(&t, nullptr);
}

int CoreCount() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

size_t ResidentBytes() {
  char buffer[128];
  ReadSmallFile("/proc/self/statm", buffer);
  size_t total_pages = 0;
  size_t resident_pages = 0;
  if (sscanf(buffer, "%zu %zu", &total_pages, &resident_pages) != 2) return 0;
  return resident_pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

size_t PeakResidentBytes() {
  char buffer[4096];
  ReadSmallFile("/proc/self/status", buffer);
  const char* line = strstr(buffer, "VmHWM:");
  return line == nullptr ? 0 : strtoull(line + strlen("VmHWM:"), nullptr, 10) * 1024;
}

size_t MappingCount() {
  size_t count = 0;
  ForEachMapping([&count](const char*) { ++count; });
  return count;
}

Usage ResourceUsage() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return {static_cast<uint64_t>(usage.ru_minflt), static_cast<uint64_t>(usage.ru_majflt),
          Seconds(usage.ru_utime) + Seconds(usage.ru_stime)};
}

std::string MallocLibrary() {
  const auto address = reinterpret_cast<uintptr_t>(dlsym(RTLD_DEFAULT, "malloc"));
  std::string library;
  ForEachMapping([&](const char* line) {
    uint64_t start = 0;
    uint64_t end = 0;
    const char* path = strchr(line, '/');
    if (path != nullptr && sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) == 2 &&
        start <= address && address < end) {
      library = path;
    }
  });
  return library;
}

MappedBytes::MappedBytes(size_t bytes) : bytes_(bytes) {
  data_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data_ == MAP_FAILED) Die(kExitOutOfMemory, "cannot map the bookkeeping");
}

MappedBytes::~MappedBytes() { munmap(data_, bytes_); }

}  // namespace workloads
