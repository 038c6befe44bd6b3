#include "tools/command/snapshot_command.h"

#include <chrono>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/command/opened_heap.h"
#include "tools/command/output_file.h"
#include "tools/command/progress.h"
#include "tools/look/snapshot.h"

namespace mymalloc::command {
namespace {

constexpr char kName[] = "snapshot";

using Clock = std::chrono::steady_clock;

bool Write(OpenedHeap* heap, int fd, std::string* told, std::string* error) {
  heap->stop = heap->target->StopThreads(error);
  if (heap->stop == nullptr) return false;
  const auto stopped = Clock::now();
  heap->target->RereadMappings();
  look::SnapshotSize size;
  double seconds = 0;
  look::SnapshotEvents events;
  events.progress = &ShowDone;
  events.all_read = [&] {
    heap->stop.reset();
    seconds = std::chrono::duration<double>(Clock::now() - stopped).count();
  };
  const std::vector<look::Thread> threads = heap->stop->threads;
  const bool written = look::WriteSnapshot(*heap->target, threads, fd, events, &size, error);
  EndProgress();
  *told = absl::StrFormat("%s of memory in %s", HumanBytes(size.bytes), HumanBytes(size.kept));
  if (heap->target->is_live()) {
    absl::StrAppendFormat(told, "; the process was stopped for %.3f seconds", seconds);
  }
  return written;
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
  std::string told;
  std::string error;
  if (!Write(&heap, file.fd(), &told, &error)) {
    Complain(kName, error);
    return kFailed;
  }
  if (file.Keep()) return Print(absl::StrCat(path, ": ", told, "\n"));
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
  subcommand.flags = {"output"};
  subcommand.run = &Run;
  return subcommand;
}

}  // namespace mymalloc::command
