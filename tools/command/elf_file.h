// Program files and what tells them apart, opened with care: a report may name anything.

#ifndef MYMALLOC_TOOLS_COMMAND_ELF_FILE_H_
#define MYMALLOC_TOOLS_COMMAND_ELF_FILE_H_

#include <sys/stat.h>

#include <string>

namespace mymalloc::command {

// A descriptor that is closed at the end of the scope.
class OpenFile {
 public:
  OpenFile() = default;
  explicit OpenFile(int fd) : fd_(fd) {}
  OpenFile(OpenFile&& other) noexcept : fd_(other.Release()) {}
  OpenFile& operator=(OpenFile&& other) noexcept;
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile();

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  // The caller closes it.
  int Release();

 private:
  int fd_ = -1;
};

// Not open if it is no regular file, or cannot be read; errno says why. Never waits, as opening a
// pipe would.
OpenFile OpenRegularFile(const std::string& path);

// In lower-case hexadecimal digits; empty if the file has none, or is no ELF file.
std::string BuildIdOf(const OpenFile& file);

// Which content of which file a path led to.
struct FileIdentity {
  explicit FileIdentity(const struct stat& status);
  bool operator==(const FileIdentity& other) const;

  dev_t device;
  ino_t inode;
  off_t size;
  timespec changed;
};

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_ELF_FILE_H_
