#include "tools/look/target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tools/look/core_target.h"
#include "tools/look/snapshot.h"

namespace mymalloc::look {
namespace {

bool IsNumber(const std::string& name) {
  for (const char c : name) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return !name.empty();
}

// Never waits, as opening a pipe would.
int OpenFile(const std::string& name, std::string* error) {
  const int fd = open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    *error = errno == ENOENT ? absl::StrCat("there is no file ", name,
                                            "; give a process's number, a core file or a snapshot")
                             : absl::StrCat("cannot open ", name, ": ", strerror(errno));
    return -1;
  }
  struct stat status;
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) return fd;
  close(fd);
  *error = absl::StrCat(name, " is no regular file");
  return -1;
}

}  // namespace

std::unique_ptr<Target::Stop> Target::StopThreads(std::string* /*error*/) {
  auto stop = std::make_unique<Stop>();
  stop->threads = threads_;
  return stop;
}

std::unique_ptr<Target> OpenTarget(const std::string& name, std::string* error) {
  if (IsNumber(name)) {
    int64_t pid = 0;
    if (absl::SimpleAtoi(name, &pid) && pid > 0 && pid <= INT_MAX) {
      return OpenProcess(static_cast<pid_t>(pid), error);
    }
    *error = absl::StrCat("there is no process ", name);
    return nullptr;
  }
  const int fd = OpenFile(name, error);
  if (fd < 0) return nullptr;
  if (IsSnapshot(fd)) return OpenSnapshot(fd, name, error);
  if (IsCore(fd)) return OpenCore(fd, name, error);
  close(fd);
  *error = absl::StrCat(name, " is neither a core file nor a snapshot of `mymalloc snapshot`");
  return nullptr;
}

}  // namespace mymalloc::look
