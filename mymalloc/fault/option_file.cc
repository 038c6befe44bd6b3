#include "mymalloc/fault/option_file.h"

#include <fcntl.h>

#include <cstddef>

#include "mymalloc/base/syscall.h"

namespace mymalloc {
namespace {

constexpr size_t kLongestNumber = 20;

// The file's name, with the process's number for each %p.
class FileName {
 public:
  explicit FileName(const char* pattern) {
    while (*pattern != '\0' && fits_) {
      if (pattern[0] == '%' && pattern[1] == 'p') {
        AppendNumber(CurrentPid());
        pattern += 2;
      } else {
        Append(*pattern++);
      }
    }
    text_[size_] = '\0';
  }

  // A name that was cut would be another file's.
  bool fits() const { return fits_; }
  const char* text() const { return text_; }

 private:
  void Append(char c) {
    fits_ = size_ < sizeof(text_) - 1;
    if (fits_) text_[size_++] = c;
  }

  void AppendNumber(long number) {
    char digits[kLongestNumber];
    size_t count = 0;
    do {
      digits[count++] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    while (count > 0) Append(digits[--count]);
  }

  char text_[Path::kCapacity + kLongestNumber];
  size_t size_ = 0;
  bool fits_ = true;
};

// O_NONBLOCK: a pipe that nobody reads is passed over, not waited for.
constexpr int kOpenFlags =
    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
constexpr int kOwnerOnly = 0600;

}  // namespace

long OpenToAppend(const Path& path) {
  if (path.IsEmpty()) return -ENOENT;
  const FileName name(path.text);
  if (!name.fits()) return -ENAMETOOLONG;
  return Syscall(SYS_openat, AT_FDCWD, reinterpret_cast<long>(name.text()), kOpenFlags, kOwnerOnly);
}

void CloseFile(long file) { Syscall(SYS_close, file); }

}  // namespace mymalloc
