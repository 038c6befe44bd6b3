// How to find a caller's frame and registers from those of the function that it called.

#ifndef MYMALLOC_FAULT_FRAME_RULES_H_
#define MYMALLOC_FAULT_FRAME_RULES_H_

#include <cstdint>

#include "mymalloc/fault/unwind_table.h"

namespace mymalloc {

// The x86-64 ABI's numbers for what unwinding needs.
enum Register : uint8_t {
  kRbx = 3,
  kRbp = 6,
  kRsp = 7,
  kR12 = 12,
  kR13 = 13,
  kR14 = 14,
  kR15 = 15,
  kRip = 16,  // the return address
  kRegisters = 17,
  // The frame's own address: the caller's stack pointer once the function has returned.
  kFrame = kRegisters,
};

// Where a value is: `base` is a register of the called function, or kFrame.
struct Rule {
  enum Kind : uint8_t {
    kSame = 0,   // unchanged
    kUndefined,  // lost; of the return address: there is no caller
    kValue,      // base + offset
    kMemory,     // what is stored at base + offset
  };
  Kind kind;
  uint8_t base;
  int32_t offset;
};

struct FrameRules {
  Rule frame;  // of kFrame itself
  Rule registers[kRegisters];
};

// Runs the function's entry up to the instruction at `address`. False at anything that compilers
// write so seldom that this does not know it.
bool FindFrameRules(const FunctionEntry& entry, uintptr_t address, FrameRules* rules);

}  // namespace mymalloc

#endif  // MYMALLOC_FAULT_FRAME_RULES_H_
