// The file that a subcommand writes (-o FILE): whole, or not there. What is in it was the memory of
// another process: nobody but its owner may read it.

#ifndef MYMALLOC_TOOLS_COMMAND_OUTPUT_FILE_H_
#define MYMALLOC_TOOLS_COMMAND_OUTPUT_FILE_H_

#include <string>

#include "absl/flags/declare.h"
#include "absl/strings/string_view.h"

ABSL_DECLARE_FLAG(std::string, output);

namespace mymalloc::command {

class OutputFile {
 public:
  // Opens a file beside it, which becomes it when it is complete.
  explicit OutputFile(std::string path);
  // Removes that, unless it was kept.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  const std::string& path() const { return path_; }
  int fd() const { return fd_; }  // negative: it cannot be written
  const std::string& error() const { return error_; }

  bool Write(absl::string_view text);
  bool Keep();

 private:
  bool Fail();

  const std::string path_;
  const std::string part_;
  int fd_;
  std::string error_;
};

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_OUTPUT_FILE_H_
