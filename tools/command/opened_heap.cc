#include "tools/command/opened_heap.h"

#include <cstdio>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "tools/command/progress.h"
#include "tools/command/subcommand.h"
#include "tools/look/heap_reader.h"
#include "tools/look/library.h"

ABSL_FLAG(bool, stop, false,
          "stop all threads of a live process for the time that it takes; else only where what was "
          "read in its run does not fit together");

namespace mymalloc::command {

const char kTargetHelp[] =
    "The target is a process's number, a core file, or a file of `mymalloc snapshot`. A process "
    "is\n"
    "read from outside while it runs: it needs no preparation but the library, and sees nothing of "
    "it.\n"
    "That needs what a debugger needs: the same user, and where the sysctl "
    "kernel.yama.ptrace_scope\n"
    "is not 0, root or the capability CAP_SYS_PTRACE.\n";

bool OpenLibrary(const std::string& subcommand, const std::string& operand, OpenedHeap* opened) {
  std::string error;
  opened->target = look::OpenTarget(operand, &error);
  if (opened->target == nullptr) {
    Complain(subcommand, error);
    return false;
  }
  const look::LibraryFound found = look::FindLibrary(*opened->target, &opened->descriptor);
  if (found == look::LibraryFound::kYes) return true;
  Complain(subcommand, look::ExplainNotFound(*opened->target, found, opened->descriptor));
  return false;
}

bool OpenHeap(const std::string& subcommand, const std::string& operand, OpenedHeap* opened) {
  if (!OpenLibrary(subcommand, operand, opened)) return false;
  const bool stop = absl::GetFlag(FLAGS_stop);
  if (stop) {
    std::string error;
    opened->stop = opened->target->StopThreads(&error);
    if (opened->stop == nullptr) {
      Complain(subcommand, error);
      return false;
    }
    opened->target->RereadMappings();
  }
  opened->target->TellReads(&NoteRead);
  look::ReadHeap(opened->target.get(), opened->descriptor, stop, &opened->model);
  return true;
}

int ExitCode(const std::string& subcommand, const look::HeapModel& model, int code) {
  const std::string damage = model.DescribeDamage();
  if (damage.empty()) return code;
  Complain(subcommand, damage);
  return kFailed;
}

int Print(const std::string& text, int code) {
  EndProgress();
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? code : kFailed;
}

std::string HexAddress(uint64_t address) { return absl::StrCat("0x", absl::Hex(address)); }

}  // namespace mymalloc::command
