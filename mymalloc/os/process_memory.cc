#include "mymalloc/os/process_memory.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sysinfo.h>

#include <cstddef>

#include "mymalloc/base/printer.h"
#include "mymalloc/base/syscall.h"
#include "mymalloc/base/units.h"
#include "mymalloc/os/setting.h"

namespace mymalloc::os {
namespace {

constexpr size_t kLongestPath = 512;
constexpr char kMount[] = "/sys/fs/cgroup";
constexpr char kUnified[] = "0::";

uint64_t MemoryOfMachine() {
  struct sysinfo info {};
  if (IsError(Syscall(SYS_sysinfo, reinterpret_cast<long>(&info)))) return ~uint64_t{0};
  return uint64_t{info.totalram} * info.mem_unit;
}

// The path of this process's cgroup behind the mount; false if it is not known.
bool ReadCgroup(char (&path)[kLongestPath]) {
  const long fd =
      Syscall(SYS_open, reinterpret_cast<long>("/proc/self/cgroup"), O_RDONLY | O_CLOEXEC);
  if (IsError(fd)) return false;
  char text[2 * kLongestPath] = {};
  Syscall(SYS_read, fd, reinterpret_cast<long>(text), sizeof(text) - 1);
  Syscall(SYS_close, fd);
  const char* line = strstr(text, kUnified);
  if (line == nullptr) return false;
  line += sizeof(kUnified) - 1;
  size_t n = 0;
  for (; line[n] != '\0' && line[n] != '\n' && n < sizeof(path) - 1; ++n) path[n] = line[n];
  path[n] = '\0';
  return true;
}

// "max", and no file, is no limit.
uint64_t LimitIn(const char* directory, const char* file) {
  Printer path;
  path.Text(kMount).Text(directory).Text(file);
  const uint64_t limit = ReadSetting(path.Terminated(), 0);
  return limit == 0 ? ~uint64_t{0} : limit;
}

}  // namespace

// In a container its own cgroup is the mount's root: from the path upwards all are asked.
uint64_t MemoryOfProcess() {
  uint64_t least = Min(MemoryOfMachine(), LimitIn("/memory", "/memory.limit_in_bytes"));
  char path[kLongestPath] = {};
  if (!ReadCgroup(path)) return least;
  for (;;) {
    least = Min(least, LimitIn(path, "/memory.max"));
    char* const slash = strrchr(path, '/');
    if (slash == nullptr) return least;
    *slash = '\0';
  }
}

}  // namespace mymalloc::os
