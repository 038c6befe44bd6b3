#include "tools/command/snapshot_command.h"

#include <chrono>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/command/json.h"
#include "tools/command/opened_heap.h"
#include "tools/command/output_file.h"
#include "tools/command/output_format.h"
#include "tools/command/progress.h"
#include "tools/look/snapshot.h"

namespace mymalloc::command {
namespace {

constexpr char kName[] = "snapshot";

using Clock = std::chrono::steady_clock;

struct Written {
  look::SnapshotSize size;
  std::chrono::microseconds stopped{0};
};

std::string TextOf(const Written& written, const std::string& path, bool is_live) {
  std::string text = absl::StrFormat("%s: %s of memory in %s", path, HumanBytes(written.size.bytes),
                                     HumanBytes(written.size.kept));
  if (is_live) {
    absl::StrAppendFormat(&text, "; the process was stopped for %.3f seconds",
                          static_cast<double>(written.stopped.count()) / 1e6);
  }
  return absl::StrCat(text, "\n");
}

std::string JsonOf(const Written& written, const std::string& path) {
  JsonWriter json;
  json.Begin('{').Key("file").Value(path).Key("memory_bytes").Value(written.size.bytes);
  json.Key("file_bytes").Value(written.size.kept);
  json.Key("stopped_microseconds").Value(static_cast<uint64_t>(written.stopped.count()));
  return absl::StrCat(json.End('}').text(), "\n");
}

bool Write(OpenedHeap* heap, int fd, Written* written, std::string* error) {
  heap->stop = heap->target->StopThreads(error);
  if (heap->stop == nullptr) return false;
  const auto stopped = Clock::now();
  heap->target->RereadMappings();
  look::SnapshotEvents events;
  events.progress = &ShowDone;
  events.all_read = [&] {
    heap->stop.reset();
    if (!heap->target->is_live()) return;
    written->stopped =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - stopped);
  };
  const std::vector<look::Thread> threads = heap->stop->threads;
  return look::WriteSnapshot(*heap->target, threads, fd, events, &written->size, error);
}

int Run(const std::vector<std::string>& operands) {
  const std::string path = absl::GetFlag(FLAGS_output);
  if (operands.size() != 1 || path.empty()) {
    Complain(kName, "give one target, and a file by -o FILE");
    return kUsageError;
  }
  OpenedHeap heap;
  if (!OpenLibrary(kName, operands[0], &heap)) return kFailed;
  OutputFile file(path);
  if (file.fd() < 0) {
    Complain(kName, file.error());
    return kFailed;
  }
  Written written;
  std::string error;
  if (!Write(&heap, file.fd(), &written, &error)) {
    Complain(kName, error);
    return kFailed;
  }
  if (file.Keep()) {
    const bool json = absl::GetFlag(FLAGS_format) == OutputFormat::kJson;
    return Print(json ? JsonOf(written, path) : TextOf(written, path, heap.target->is_live()));
  }
  Complain(kName, file.error());
  return kFailed;
}

constexpr char kDetails[] =
    "The snapshot has all memory that the process can write, where it is not zero, compressed; the "
    "map of\n"
    "the rest, which is in files; and the registers of all threads. Other subcommands take it in "
    "place of\n"
    "a process. The process is stopped while its memory is read, so that all belongs together; "
    "this "
    "command\n"
    "says for how long.\n"
    "\n"
    "Exit codes: 0; 1: the target cannot be looked at, or the file cannot be written; 2: the "
    "command line\n"
    "is wrong.\n";

}  // namespace

Subcommand SnapshotCommand() {
  Subcommand subcommand;
  subcommand.name = kName;
  subcommand.operands = kTargetOperand;
  subcommand.summary = "Keeps the memory of a process in a file, for the other subcommands";
  subcommand.details = absl::StrCat(kTargetHelp, "\n", kDetails);
  subcommand.flags = {"output", "format"};
  subcommand.run = &Run;
  return subcommand;
}

}  // namespace mymalloc::command
