// What every subcommand begins with that looks at a heap from outside.

#ifndef MYMALLOC_TOOLS_COMMAND_OPENED_HEAP_H_
#define MYMALLOC_TOOLS_COMMAND_OPENED_HEAP_H_

#include <memory>
#include <string>

#include "absl/flags/declare.h"
#include "mymalloc/report/descriptor.h"
#include "tools/command/human.h"  // IWYU pragma: export
#include "tools/look/heap_model.h"
#include "tools/look/target.h"

ABSL_DECLARE_FLAG(bool, stop);

namespace mymalloc::command {

// How the operand is called in usage, and what --help says of it.
inline constexpr char kTargetOperand[] = "PID|CORE|SNAPSHOT";
extern const char kTargetHelp[];

struct OpenedHeap {
  std::unique_ptr<look::Target> target;
  Descriptor descriptor = {};
  look::HeapModel model;
  // Where the flag --stop asks for it: until the end of the scope.
  std::unique_ptr<look::Target::Stop> stop;
};

// Opens and reads it. False after a complaint.
bool OpenHeap(const std::string& subcommand, const std::string& operand, OpenedHeap* opened);
// As far as that it runs on the library.
bool OpenLibrary(const std::string& subcommand, const std::string& operand, OpenedHeap* opened);

// Complains if the model was found damaged. The exit code, if `code` is that without damage.
int ExitCode(const std::string& subcommand, const look::HeapModel& model, int code = 0);

// Writes to stdout. The exit code, if `code` is that when all was written.
int Print(const std::string& text, int code = 0);

std::string HexAddress(uint64_t address);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_OPENED_HEAP_H_
