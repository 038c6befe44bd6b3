#include "tools/command/elf_file.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <libelf.h>
#include <unistd.h>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace mymalloc::command {

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  if (this == &other) return *this;
  if (fd_ >= 0) close(fd_);
  fd_ = other.Release();
  return *this;
}

OpenFile::~OpenFile() {
  if (fd_ >= 0) close(fd_);
}

int OpenFile::Release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

OpenFile OpenRegularFile(const std::string& path) {
  OpenFile file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.is_open()) return file;
  struct stat status;
  if (fstat(file.fd(), &status) == 0 && S_ISREG(status.st_mode)) return file;
  errno = EINVAL;
  return {};
}

std::string BuildIdOf(const OpenFile& file) {
  elf_version(EV_CURRENT);
  Elf* const elf = elf_begin(file.fd(), ELF_C_READ, nullptr);
  if (elf == nullptr) return "";
  const void* bits = nullptr;
  const ssize_t size = dwelf_elf_gnu_build_id(elf, &bits);
  std::string id;
  if (size > 0) {
    id = absl::BytesToHexString({static_cast<const char*>(bits), static_cast<size_t>(size)});
  }
  elf_end(elf);
  return id;
}

FileIdentity::FileIdentity(const struct stat& status)
    : device(status.st_dev), inode(status.st_ino), size(status.st_size), changed(status.st_mtim) {}

bool FileIdentity::operator==(const FileIdentity& other) const {
  return device == other.device && inode == other.inode && size == other.size &&
         changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
}

}  // namespace mymalloc::command
