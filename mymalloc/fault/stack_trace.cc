#include "mymalloc/fault/stack_trace.h"

#include <ucontext.h>

#include <cstddef>

#include "absl/base/attributes.h"
#include "mymalloc/fault/frame_rules.h"
#include "mymalloc/fault/modules.h"
#include "mymalloc/fault/stack_memory.h"
#include "mymalloc/fault/unwind_table.h"

namespace mymalloc {
namespace {

// More of our own frames than any call of ours has.
constexpr unsigned kMostOwnFrames = 32;

// The order in which a signal's frame holds the ABI's registers 0 to 16.
constexpr uint8_t kSavedOrder[kRegisters] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                             REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                             REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};

struct Registers {
  uintptr_t value[kRegisters] = {};
  uint32_t known = 0;  // a bit for each

  bool Has(unsigned i) const { return (known >> i & 1) != 0; }
  void Set(unsigned i, uintptr_t v) {
    value[i] = v;
    known |= 1u << i;
  }
};

// Those that a call preserves.
constexpr uint32_t kPreserved = 1u << kRbx | 1u << kRbp | 1u << kRsp | 1u << kR12 | 1u << kR13 |
                                1u << kR14 | 1u << kR15 | 1u << kRip;

// One frame at a time, from the called to the caller.
class Walker {
 public:
  explicit Walker(const Registers& registers) : registers_(registers) {}

  bool ToCaller();

  // An address one past some byte of the calling instruction.
  uintptr_t ReturnAddress() const { return pc() + (interrupted_ ? 1 : 0); }

  // Whether this function was interrupted by a signal, and the frame before was the way back to it.
  bool interrupted() const { return interrupted_; }

 private:
  uintptr_t pc() const { return registers_.value[kRip]; }

  bool ByRules(const FunctionEntry& entry, uintptr_t address);
  bool ByFramePointer();
  bool ThroughSignal();
  bool ReturnsFromSignal();

  bool Evaluate(const Rule& rule, uintptr_t frame, uintptr_t* value);
  bool Become(const Registers& caller, bool interrupted);

  Registers registers_;
  // Whether pc is the next instruction itself and not what follows a call.
  bool interrupted_ = true;
  Module module_;
  StackMemory memory_;
};

bool Walker::ToCaller() {
  const uintptr_t address = ReturnAddress() - 1;
  if (!module_.Contains(address) && !FindModule(address, &module_)) module_ = Module();
  FunctionEntry entry;
  if (FindFunctionEntry(module_, address, &entry) && !entry.signal_frame) {
    return ByRules(entry, address);
  }
  return ReturnsFromSignal() ? ThroughSignal() : ByFramePointer();
}

bool Walker::Evaluate(const Rule& rule, uintptr_t frame, uintptr_t* value) {
  if (rule.base != kFrame && !registers_.Has(rule.base)) return false;
  const uintptr_t base = rule.base == kFrame ? frame : registers_.value[rule.base];
  *value = base + static_cast<uintptr_t>(int64_t{rule.offset});
  return rule.kind == Rule::kValue || memory_.Read(*value, value);
}

bool Walker::ByRules(const FunctionEntry& entry, uintptr_t address) {
  FrameRules rules;
  uintptr_t frame = 0;
  if (!FindFrameRules(entry, address, &rules)) return false;
  if (rules.frame.kind == Rule::kSame || rules.frame.base == kFrame) return false;
  if (!Evaluate(rules.frame, 0, &frame) || frame <= registers_.value[kRsp]) return false;
  if (rules.registers[kRip].kind < Rule::kValue) return false;
  Registers caller;
  for (unsigned i = 0; i < kRegisters; ++i) {
    const Rule& rule = rules.registers[i];
    uintptr_t value = registers_.value[i];
    if (rule.kind == Rule::kUndefined || (rule.kind == Rule::kSame && !registers_.Has(i))) continue;
    if (rule.kind != Rule::kSame && !Evaluate(rule, frame, &value)) return false;
    caller.Set(i, value);
  }
  caller.Set(kRsp, frame);
  caller.known &= kPreserved;
  return Become(caller, false);
}

// rbp points at the caller's rbp, and the return address follows.
bool Walker::ByFramePointer() {
  const uintptr_t rbp = registers_.value[kRbp];
  uintptr_t saved = 0;
  uintptr_t pc = 0;
  if (!registers_.Has(kRbp) || rbp < registers_.value[kRsp]) return false;
  if (!memory_.Read(rbp, &saved) || !memory_.Read(rbp + sizeof(saved), &pc)) return false;
  Registers caller;
  caller.Set(kRbp, saved);
  caller.Set(kRsp, rbp + 2 * sizeof(saved));
  caller.Set(kRip, pc);
  return Become(caller, false);
}

// A handler returns to these two instructions: mov $SYS_rt_sigreturn, %eax or %rax; syscall.
bool Walker::ReturnsFromSignal() {
  constexpr uintptr_t kWord = sizeof(uintptr_t);
  const uintptr_t start = pc() & ~(kWord - 1);
  uintptr_t words[3] = {};
  if (!memory_.Read(start, &words[0]) || !memory_.Read(start + kWord, &words[1])) return false;
  memory_.Read(start + 2 * kWord, &words[2]);
  uint8_t code[9];
  __builtin_memcpy(code, reinterpret_cast<const uint8_t*>(words) + (pc() - start), sizeof(code));
  constexpr uint8_t kShort[] = {0xb8, SYS_rt_sigreturn, 0, 0, 0, 0x0f, 0x05};
  constexpr uint8_t kLong[] = {0x48, 0xc7, 0xc0, SYS_rt_sigreturn, 0, 0, 0, 0x0f, 0x05};
  return __builtin_memcmp(code, kShort, sizeof(kShort)) == 0 ||
         __builtin_memcmp(code, kLong, sizeof(kLong)) == 0;
}

// The kernel left a ucontext_t where the handler's return address was popped from.
bool Walker::ThroughSignal() {
  const uintptr_t saved =
      registers_.value[kRsp] + offsetof(ucontext_t, uc_mcontext) + offsetof(mcontext_t, gregs);
  Registers interrupted;
  for (unsigned i = 0; i < kRegisters; ++i) {
    uintptr_t value = 0;
    if (!memory_.Read(saved + kSavedOrder[i] * sizeof(value), &value)) return false;
    interrupted.Set(i, value);
  }
  return Become(interrupted, true);
}

bool Walker::Become(const Registers& caller, bool interrupted) {
  registers_ = caller;
  interrupted_ = interrupted;
  return pc() != 0;
}

// The registers as they are here; rip is the place between two instructions of this function.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline Registers CurrentRegisters() {
  Registers registers;
  registers.known = kPreserved;
  __asm__ volatile(
      "mov %%rbx, 8*3(%0)\n"
      "mov %%rbp, 8*6(%0)\n"
      "mov %%rsp, 8*7(%0)\n"
      "mov %%r12, 8*12(%0)\n"
      "mov %%r13, 8*13(%0)\n"
      "mov %%r14, 8*14(%0)\n"
      "mov %%r15, 8*15(%0)\n"
      "lea 0(%%rip), %%rax\n"
      "mov %%rax, 8*16(%0)\n"
      :
      : "r"(registers.value)
      : "rax", "memory");
  return registers;
}

}  // namespace

ABSL_ATTRIBUTE_NOINLINE unsigned CaptureStack(uintptr_t* frames, unsigned capacity) {
  Walker walker(CurrentRegisters());
  Module own;
  // Our own functions keep no frame pointers: without the table no way leads out of them.
  if (!FindModule(reinterpret_cast<uintptr_t>(&CaptureStack), &own)) return 0;
  if (own.unwind_table == nullptr) return 0;
  bool skipping = !own.IsProgram();
  unsigned count = 0;
  for (unsigned i = 0; i < capacity + kMostOwnFrames && count < capacity; ++i) {
    if (!walker.ToCaller()) break;
    // No call leads to where a handler returns: the instruction is the one at the address itself.
    if (walker.interrupted() && count > 0) ++frames[count - 1];
    // Nor is that place of interest if the handler is ours: the faulting code comes first then.
    if (walker.interrupted() && count == 1) count = 0;
    skipping = skipping && own.Contains(walker.ReturnAddress() - 1);
    if (!skipping) frames[count++] = walker.ReturnAddress();
  }
  return count;
}

}  // namespace mymalloc
