#include "tools/command/process_list.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "tools/look/file_bytes.h"
#include "tools/look/heap_reader.h"
#include "tools/look/library.h"
#include "tools/look/resident.h"
#include "tools/look/target.h"

namespace mymalloc::command {
namespace {

std::vector<pid_t> AllProcesses() {
  std::vector<pid_t> pids;
  DIR* const directory = opendir("/proc");
  if (directory == nullptr) return pids;
  while (const dirent* entry = readdir(directory)) {
    const pid_t pid = atoi(entry->d_name);
    if (pid > 0) pids.push_back(pid);
  }
  closedir(directory);
  std::sort(pids.begin(), pids.end());
  return pids;
}

std::string CommandLineOf(pid_t pid) {
  std::string line;
  look::ReadWholeFile(absl::StrCat("/proc/", pid, "/cmdline"), &line);
  while (!line.empty() && line.back() == '\0') line.pop_back();
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return line;
}

// Those of the kernel have no memory, and ended ones none any more: nothing is hidden there.
bool HasMemory(pid_t pid) {
  std::string line;
  return look::ReadWholeFile(absl::StrCat("/proc/", pid, "/cmdline"), &line) && !line.empty();
}

}  // namespace

ProcessList ListProcesses() {
  ProcessList list;
  for (const pid_t pid : AllProcesses()) {
    if (pid == getpid() || !HasMemory(pid)) continue;
    std::string error;
    const std::unique_ptr<look::Target> target = look::OpenProcess(pid, &error);
    if (target == nullptr) {
      ++list.hidden;
      continue;
    }
    Descriptor descriptor;
    const look::LibraryFound found = look::FindLibrary(*target, &descriptor);
    if (found == look::LibraryFound::kNone) continue;
    ProcessRow row;
    row.pid = pid;
    row.command = CommandLineOf(pid);
    row.version = descriptor.version;
    row.readable = found == look::LibraryFound::kYes;
    row.resident = look::ResidentBytes(pid);
    if (row.readable) {
      look::HeapModel model;
      look::ReadHeap(target.get(), descriptor, /*stopped=*/false, &model);
      row.figures = look::CountFigures(model);
    }
    list.rows.push_back(std::move(row));
  }
  return list;
}

}  // namespace mymalloc::command
