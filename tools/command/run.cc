#include "tools/command/run.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/command/collected_reports.h"
#include "tools/command/map.h"
#include "tools/command/opened_heap.h"
#include "tools/command/other_allocators.h"
#include "tools/command/output_file.h"
#include "tools/command/output_format.h"
#include "tools/command/preloading.h"
#include "tools/command/report_json.h"
#include "tools/command/report_text.h"
#include "tools/command/supervisor.h"
#include "tools/command/symbolizer.h"
#include "tools/command/traced_program.h"
#include "tools/look/heap_reader.h"

ABSL_FLAG(
    std::string, library, "",
    "the library to preload; else libmymalloc.so beside this command, or where it is installed "
    "or built");
ABSL_FLAG(bool, harden, false, "everything that hardens (option harden=1)");
ABSL_FLAG(absl::optional<uint32_t>, sample, {},
          "one in so many allocations between guard pages (option sample)");
ABSL_FLAG(bool, stats, false, "statistics as the program ends, on stderr (option stats=text)");
ABSL_FLAG(std::string, map, "",
          "a file for the map of the program's heap as it exits: a page for a browser, as "
          "`mymalloc map` makes it");
ABSL_FLAG(std::string, options, "", "more options for the library: name=value:name=value");
ABSL_FLAG(bool, symbolize, true,
          "print the reports once more with names, on stderr, when the program has ended");

namespace mymalloc::command {
namespace {

constexpr char kName[] = "run";

// As env, nice and the shells have it.
constexpr int kOwnFailure = 125;
constexpr int kCannotExecute = 126;
constexpr int kNotFound = 127;

std::string OptionsOfFlags() {
  std::vector<std::string> options;
  if (absl::GetFlag(FLAGS_harden)) options.emplace_back("harden=1");
  const absl::optional<uint32_t> sample = absl::GetFlag(FLAGS_sample);
  if (sample) options.push_back(absl::StrCat("sample=", *sample));
  if (absl::GetFlag(FLAGS_stats)) options.emplace_back("stats=text");
  const std::string others = absl::GetFlag(FLAGS_options);
  if (!others.empty()) options.push_back(others);
  return absl::StrJoin(options, ":");
}

void PrintWithNames(CollectedReports* reports) {
  const OpenFile file = reports->Take();
  ReleaseSignals();
  if (!file.is_open()) return;
  WriteAll(STDERR_FILENO, "mymalloc run: what was reported, with names:\n");
  Symbolizer symbolizer({});
  if (absl::GetFlag(FLAGS_format) == OutputFormat::kJson) {
    ReportJson json(&symbolizer, STDERR_FILENO);
    ReadLines(file.fd(), &json);
    json.Finish();
  } else {
    ReportText text(&symbolizer, STDERR_FILENO);
    ReadLines(file.fd(), &text);
  }
}

// The program has ended, but for its memory.
void WriteMapOf(pid_t pid, OutputFile* file) {
  OpenedHeap heap;
  if (!OpenLibrary(kName, absl::StrCat(pid), &heap)) return;
  look::ReadHeap(heap.target.get(), heap.descriptor, /*stopped=*/true, &heap.model);
  ExitCode(kName, heap.model);
  WriteAll(STDERR_FILENO, WriteMapPage(kName, heap, file));
}

Ending RunWithMap(const std::vector<std::string>& operands, OutputFile* file) {
  bool looked = false;
  const Ending ending = RunTraced(operands, [&](pid_t pid, const auto& /*threads*/) {
    looked = true;
    WriteMapOf(pid, file);
  });
  if (!looked && ending.exec_error == 0) Complain(kName, "no map: a signal ended the program");
  return ending;
}

// False, after a complaint, where the map could not be written.
bool RunToEnd(const std::vector<std::string>& operands, Ending* ending) {
  const std::string map = absl::GetFlag(FLAGS_map);
  if (map.empty()) {
    *ending = RunAndWait(operands);
    return true;
  }
  OutputFile file(map);
  if (file.fd() < 0) {
    Complain(kName, file.error());
    return false;
  }
  *ending = RunWithMap(operands, &file);
  return true;
}

int ExplainExecError(const std::string& program, int error) {
  Complain(kName, absl::StrCat(program, ": ", strerror(error)));
  return error == ENOENT ? kNotFound : kCannotExecute;
}

int Run(const std::vector<std::string>& operands) {
  if (operands.empty()) {
    Complain(kName, "which program? usage: mymalloc run [FLAG...] -- PROGRAM [ARGUMENT...]");
    return kOwnFailure;
  }
  std::string error;
  const std::string library = FindLibrary(absl::GetFlag(FLAGS_library), &error);
  if (library.empty()) {
    Complain(kName, error);
    return kOwnFailure;
  }
  Preload(library);
  if (IsLinkedWithAnother(operands[0])) {
    const std::string compat = FindCompat(library);
    if (!compat.empty()) Preload(compat);
  }
  AddOptions(OptionsOfFlags());
  std::optional<CollectedReports> reports;
  if (absl::GetFlag(FLAGS_symbolize)) reports.emplace();
  Ending ending;
  if (!RunToEnd(operands, &ending)) return kOwnFailure;
  if (reports) PrintWithNames(&*reports);
  if (ending.exec_error != 0) return ExplainExecError(operands[0], ending.exec_error);
  EndLike(ending.status);
}

constexpr char kDetails[] =
    "The program has this command's stdin, stdout, stderr, directory and terminal. Signals that "
    "this\n"
    "command gets go to the program; if a signal ends the program, the same ends this command.\n"
    "A program that is linked with jemalloc or tcmalloc asks questions of its allocator: those of "
    "its\n"
    "heap are answered by libmymalloc_compat.so, which is preloaded too.\n"
    "For --map it is traced, as by a debugger; of one that a signal ends there is no map.\n"
    "Options are added to those of the environment, and prevail. Reports are collected by the "
    "option\n"
    "report_file: in a directory of their own under TMPDIR, removed at the end, or in the user's "
    "file\n"
    "where the environment names one (with %p in its name, they are not printed once more). With "
    "--format=json\n"
    "they are printed as `mymalloc symbolize --format=json` does it.\n"
    "\n"
    "Exit codes: the program's; 125: this command itself failed; 126: the program cannot be "
    "executed;\n"
    "127: it is not there.\n";

}  // namespace

Subcommand RunCommand() {
  Subcommand subcommand;
  subcommand.name = kName;
  subcommand.operands = "[--] PROGRAM [ARGUMENT...]";
  subcommand.summary = "Runs a program with the library preloaded";
  subcommand.details = kDetails;
  subcommand.flags = {"library", "harden",  "sample",    "stats",
                      "map",     "options", "symbolize", "format"};
  subcommand.takes_program = true;
  subcommand.usage_error = kOwnFailure;
  subcommand.run = &Run;
  return subcommand;
}

}  // namespace mymalloc::command
