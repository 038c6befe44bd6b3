#include "tools/command/symbolize.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/command/core_file.h"
#include "tools/command/elf_file.h"
#include "tools/command/output_format.h"
#include "tools/command/report_json.h"
#include "tools/command/report_text.h"
#include "tools/command/symbolizer.h"

ABSL_FLAG(std::vector<std::string>, debug_dir, {},
          "a directory of files with debug information, found by their build ids, as "
          ".build-id/xx/yyyy.debug or under any name; may be given several times");

namespace mymalloc::command {
namespace {

constexpr char kName[] = "symbolize";

class Run {
 public:
  explicit Run(bool json) : symbolizer_(absl::GetFlag(FLAGS_debug_dir)) {
    if (json) {
      json_ = new ReportJson(&symbolizer_, STDOUT_FILENO);
      sink_.reset(json_);
    } else {
      sink_ = std::make_unique<ReportText>(&symbolizer_, STDOUT_FILENO);
    }
  }

  void ReadPath(const std::string& path) {
    const OpenFile file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) return Fail(path, strerror(errno));
    ReadFile(path, file.fd());
  }

  void ReadFile(const std::string& path, int fd) {
    const FileKind kind = KindOf(fd);
    if (kind == FileKind::kCore) return ReadCore(path, fd);
    if (kind == FileKind::kOtherElf) {
      return Fail(path, "is a program or library; give it a text with reports, or a core file");
    }
    if (!ReadLines(fd, sink_.get())) Fail(path, strerror(errno));
  }

  int Finish() {
    if (json_ != nullptr ? !json_->Finish() : !sink_->Pause()) Fail("stdout", strerror(errno));
    if (!symbolizer_.missing().empty()) {
      Complain(kName,
               absl::StrCat("frames are without names where their file is not there: ",
                            absl::StrJoin(symbolizer_.missing(), ", "),
                            ". Put it back, or name a directory with files of these build ids by "
                            "--debug-dir=DIR."));
    }
    return code_;
  }

 private:
  void ReadCore(const std::string& path, int fd) {
    const CoreReports reports = ReportsInCore(fd);
    for (const std::string& text : reports.texts) FeedText(text);
    if (!reports.texts.empty()) return;
    Fail(path, reports.is_cut
                   ? "no report is in what there is of this core file; its end is missing: see "
                     "ulimit -c, or the space on the disk"
                   : "no report of mymalloc's is in this core file: the process made none, or the "
                     "library's own data was left out (see coredump_filter in man 5 core)");
  }

  void FeedText(absl::string_view text) {
    while (!text.empty()) {
      const size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
      sink_->Line(text.substr(0, size));
      text.remove_prefix(size);
    }
  }

  void Fail(const std::string& what, absl::string_view why) {
    Complain(kName, absl::StrCat(what, ": ", why));
    code_ = kFailed;
  }

  Symbolizer symbolizer_;
  std::unique_ptr<LineSink> sink_;
  ReportJson* json_ = nullptr;  // the sink, if it is that
  int code_ = 0;
};

// The first of those given that is none; empty if all are.
std::string NoDirectory() {
  std::error_code ignored;
  for (const std::string& directory : absl::GetFlag(FLAGS_debug_dir)) {
    if (!std::filesystem::is_directory(directory, ignored)) return directory;
  }
  return "";
}

int Symbolize(const std::vector<std::string>& files) {
  const std::string no_directory = NoDirectory();
  if (!no_directory.empty()) {
    Complain(kName, absl::StrCat("--debug-dir: there is no directory ", no_directory));
    return kUsageError;
  }
  Run run(absl::GetFlag(FLAGS_format) == OutputFormat::kJson);
  if (files.empty()) run.ReadFile("stdin", STDIN_FILENO);
  for (const std::string& file : files) {
    if (file == "-") {
      run.ReadFile("stdin", STDIN_FILENO);
    } else {
      run.ReadPath(file);
    }
  }
  return run.Finish();
}

constexpr char kDetails[] =
    "Prints the text of the files, or of stdin, as it comes; frames of mymalloc's reports get the\n"
    "function, file and line, and a line more for each function that was inlined. Without debug\n"
    "information it is the function and the offset in it. Names come only from a file with the "
    "build\n"
    "id that the report tells. A core file is searched for the last report that the process made.\n"
    "With --format=json what is no report is left out, and a report must begin its lines: of a "
    "journal\n"
    "take journalctl -o cat.\n"
    "\n"
    "Exit codes: 0; 1: a file could not be read, or a core file has no report; 2: wrong command "
    "line.\n";

}  // namespace

Subcommand SymbolizeCommand() {
  Subcommand subcommand;
  subcommand.name = kName;
  subcommand.operands = "[FILE...]";
  subcommand.summary = "Prints reports with the names of functions, files and lines";
  subcommand.details = kDetails;
  subcommand.flags = {"format", "debug_dir"};
  subcommand.run = &Symbolize;
  return subcommand;
}

}  // namespace mymalloc::command
