#include "mymalloc/fault/stack_printer.h"

#include "mymalloc/fault/modules.h"

namespace mymalloc {
namespace {

constexpr char kHeading[] = "  stack:\n";
constexpr char kMore[] = "    ...\n";
constexpr size_t kLongestProgramPath = 384;

class StackPrinter {
 public:
  explicit StackPrinter(Printer& out) : out_(out) {}

  void PrintFrame(unsigned number, uintptr_t address) {
    out_.Text("    #").Decimal(number).Text(" ").Pointer(address).Text(": ");
    Module module;
    if (FindModule(address, &module)) {
      PrintPath(module);
      out_.Text("+").Hex(address - module.load_base);
      if (IsNew(module)) PrintBuildId(BuildIdOf(module));
    } else {
      out_.Text("in no module");
    }
    out_.Text("\n");
  }

 private:
  // Enough for any stack that is printed; a module beyond them shows its build id again.
  static constexpr unsigned kMostModules = 16;

  void PrintPath(const Module& module) {
    if (!module.IsProgram()) {
      out_.Text(module.path);
      return;
    }
    if (program_[0] == '\0') ReadProgramPath(program_, sizeof(program_));
    out_.Text(program_);
  }

  bool IsNew(const Module& module) {
    for (unsigned i = 0; i < module_count_; ++i) {
      if (modules_[i] == module.begin) return false;
    }
    if (module_count_ < kMostModules) modules_[module_count_++] = module.begin;
    return true;
  }

  void PrintBuildId(BuildId id) {
    if (id.size == 0) return;
    out_.Text(" (build id ");
    for (size_t i = 0; i < id.size; ++i) {
      const char digits[] = {"0123456789abcdef"[id.bytes[i] >> 4],
                             "0123456789abcdef"[id.bytes[i] & 15], '\0'};
      out_.Text(digits);
    }
    out_.Text(")");
  }

  Printer& out_;
  uintptr_t modules_[kMostModules];
  unsigned module_count_ = 0;
  char program_[kLongestProgramPath] = "";
};

}  // namespace

void PrintStack(const uintptr_t* frames, unsigned count, size_t reserved, Printer& out) {
  if (count == 0 || out.room() < reserved + sizeof(kMore) + sizeof(kHeading)) return;
  out.Text(kHeading);
  PrintFrames(frames, count, reserved, out);
}

void PrintFrames(const uintptr_t* frames, unsigned count, size_t reserved, Printer& out) {
  reserved += sizeof(kMore) - 1;
  StackPrinter printer(out);
  for (unsigned i = 0; i < count; ++i) {
    const size_t before = out.size();
    printer.PrintFrame(i, frames[i] - 1);
    if (out.room() < reserved) {
      out.CutBackTo(before);
      out.Text(kMore);
      return;
    }
  }
}

}  // namespace mymalloc
