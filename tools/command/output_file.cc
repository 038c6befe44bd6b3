#include "tools/command/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"

ABSL_FLAG(std::string, output, "", "the file to write (-o FILE); what was there is replaced");

namespace mymalloc::command {

OutputFile::OutputFile(std::string path)
    : path_(std::move(path)),
      part_(absl::StrCat(path_, ".part")),
      fd_(open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
  if (fd_ < 0) Fail();
}

OutputFile::~OutputFile() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(part_.c_str());
}

bool OutputFile::Fail() {
  error_ = absl::StrCat("cannot write ", path_, ": ", strerror(errno));
  return false;
}

bool OutputFile::Write(absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Fail();
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

bool OutputFile::Keep() {
  const bool closed = close(fd_) == 0;
  fd_ = -1;
  if (closed && rename(part_.c_str(), path_.c_str()) == 0) return true;
  Fail();
  unlink(part_.c_str());
  return false;
}

}  // namespace mymalloc::command
