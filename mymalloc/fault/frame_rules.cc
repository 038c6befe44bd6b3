#include "mymalloc/fault/frame_rules.h"

namespace mymalloc {
namespace {

// The instructions, by DWARF's names. In the first three the low six bits are an operand.
enum Opcode : uint8_t {
  kAdvance = 0x40,
  kOffset = 0x80,
  kRestore = 0xc0,
  kOperandMask = 0x3f,

  kNop = 0x00,
  kSetLocation = 0x01,
  kAdvance1 = 0x02,
  kAdvance2 = 0x03,
  kAdvance4 = 0x04,
  kOffsetExtended = 0x05,
  kRestoreExtended = 0x06,
  kUndefined = 0x07,
  kSameValue = 0x08,
  kRegister = 0x09,
  kRememberState = 0x0a,
  kRestoreState = 0x0b,
  kDefineFrame = 0x0c,
  kDefineFrameRegister = 0x0d,
  kDefineFrameOffset = 0x0e,
  kDefineFrameExpression = 0x0f,
  kExpression = 0x10,
  kOffsetExtendedSigned = 0x11,
  kDefineFrameSigned = 0x12,
  kDefineFrameOffsetSigned = 0x13,
  kValueOffset = 0x14,
  kValueOffsetSigned = 0x15,
  kValueExpression = 0x16,
  kArgumentsSize = 0x2e,
};

// Of expressions, only "register + offset", and what is stored there: compilers write these where
// a function realigns its stack.
constexpr uint8_t kExpressionRegister0 = 0x70;
constexpr uint8_t kExpressionDereference = 0x06;

class Interpreter {
 public:
  Interpreter(const FunctionEntry& entry, uintptr_t address, FrameRules* rules)
      : entry_(entry), location_(entry.begin), address_(address), rules_(*rules) {
    rules_ = FrameRules();
  }

  bool Run() {
    if (!Run(entry_.common)) return false;
    initial_ = rules_;
    return Run(entry_.own);
  }

 private:
  // What a function remembers, it has restored before it remembers anew; more is allowed for.
  static constexpr unsigned kMostRemembered = 3;

  bool Run(ByteReader program) {
    in_ = program;
    while (!in_.AtEnd() && location_ <= address_) {
      if (!Step() || !in_.ok()) return false;
    }
    return true;
  }

  bool Step() {
    const uint8_t opcode = in_.Read<uint8_t>();
    const uint8_t operand = opcode & kOperandMask;
    switch (opcode & ~kOperandMask) {
      case kAdvance:
        return Advance(operand);
      case kOffset:
        return Set(operand, Rule::kMemory, kFrame, Factored(in_.Unsigned()));
      case kRestore:
        return Restore(operand);
      default:
        return opcode <= kAdvance4 ? Locate(opcode) : StepExtended(opcode);
    }
  }

  bool Locate(uint8_t opcode) {
    switch (opcode) {
      case kSetLocation:
        location_ = ReadEncodedAddress(entry_.pointer_encoding, &in_);
        return true;
      case kAdvance1:
        return Advance(in_.Read<uint8_t>());
      case kAdvance2:
        return Advance(in_.Read<uint16_t>());
      case kAdvance4:
        return Advance(in_.Read<uint32_t>());
      default:
        return opcode == kNop;
    }
  }

  // All but the two of the state have a register or a frame's definition as their first operand.
  bool StepExtended(uint8_t opcode) {
    if (opcode == kRememberState) return Remember();
    if (opcode == kRestoreState) return RestoreRemembered();
    const bool is_frame = (opcode >= kDefineFrame && opcode <= kDefineFrameExpression) ||
                          opcode == kDefineFrameSigned || opcode == kDefineFrameOffsetSigned;
    if (is_frame) return DefineFrame(opcode);
    const uint64_t operand = in_.Unsigned();
    switch (opcode) {
      case kArgumentsSize:
        return true;
      case kOffsetExtended:
        return Set(operand, Rule::kMemory, kFrame, Factored(in_.Unsigned()));
      case kOffsetExtendedSigned:
        return Set(operand, Rule::kMemory, kFrame, in_.Signed() * entry_.data_alignment);
      case kValueOffset:
        return Set(operand, Rule::kValue, kFrame, Factored(in_.Unsigned()));
      case kValueOffsetSigned:
        return Set(operand, Rule::kValue, kFrame, in_.Signed() * entry_.data_alignment);
      case kRestoreExtended:
        return Restore(operand);
      case kUndefined:
        return Set(operand, Rule::kUndefined, 0, 0);
      case kSameValue:
        return Set(operand, Rule::kSame, 0, 0);
      case kRegister:
        return Set(operand, Rule::kValue, in_.Unsigned(), 0);
      case kExpression:
        return SetToExpression(operand, /*stored_there=*/true);
      case kValueExpression:
        return SetToExpression(operand, /*stored_there=*/false);
      default:
        return false;
    }
  }

  bool DefineFrame(uint8_t opcode) {
    Rule& frame = rules_.frame;
    switch (opcode) {
      case kDefineFrame: {
        const uint64_t base = in_.Unsigned();
        return Assign(&frame, Rule::kValue, base, static_cast<int64_t>(in_.Unsigned()));
      }
      case kDefineFrameSigned: {
        const uint64_t base = in_.Unsigned();
        return Assign(&frame, Rule::kValue, base, in_.Signed() * entry_.data_alignment);
      }
      case kDefineFrameRegister:
        return Assign(&frame, Rule::kValue, in_.Unsigned(), frame.offset);
      case kDefineFrameOffset:
        return Assign(&frame, Rule::kValue, frame.base, static_cast<int64_t>(in_.Unsigned()));
      case kDefineFrameOffsetSigned:
        return Assign(&frame, Rule::kValue, frame.base, in_.Signed() * entry_.data_alignment);
      default:
        return ReadExpression(&frame);
    }
  }

  bool Advance(uint64_t steps) {
    location_ += steps * entry_.code_alignment;
    return true;
  }

  int64_t Factored(uint64_t n) const { return static_cast<int64_t>(n) * entry_.data_alignment; }

  static bool Assign(Rule* rule, Rule::Kind kind, uint64_t base, int64_t offset) {
    if (base > kFrame || offset != static_cast<int32_t>(offset)) return false;
    rule->kind = kind;
    rule->base = static_cast<uint8_t>(base);
    rule->offset = static_cast<int32_t>(offset);
    return true;
  }

  // Vector and other registers are of no interest.
  bool Set(uint64_t number, Rule::Kind kind, uint64_t base, int64_t offset) {
    return number >= kRegisters || Assign(&rules_.registers[number], kind, base, offset);
  }

  bool SetToExpression(uint64_t number, bool stored_there) {
    Rule rule = {};
    if (!ReadExpression(&rule) || (stored_there && rule.kind == Rule::kMemory)) return false;
    return Set(number, stored_there ? Rule::kMemory : rule.kind, rule.base, rule.offset);
  }

  // register + offset, or what is stored there.
  bool ReadExpression(Rule* rule) {
    const uint64_t size = in_.Unsigned();
    const uint8_t* const start = in_.position();
    const unsigned base = static_cast<unsigned>(in_.Read<uint8_t>()) - kExpressionRegister0;
    if (base >= kRegisters) return false;
    const int64_t offset = in_.Signed();
    const auto used = [&] { return static_cast<uint64_t>(in_.position() - start); };
    const bool stored = used() < size && in_.Read<uint8_t>() == kExpressionDereference;
    return used() == size && Assign(rule, stored ? Rule::kMemory : Rule::kValue, base, offset);
  }

  bool Restore(uint64_t number) {
    if (number < kRegisters) rules_.registers[number] = initial_.registers[number];
    return true;
  }

  bool Remember() {
    if (remembered_count_ == kMostRemembered) return false;
    remembered_[remembered_count_++] = rules_;
    return true;
  }

  bool RestoreRemembered() {
    if (remembered_count_ == 0) return false;
    rules_ = remembered_[--remembered_count_];
    return true;
  }

  const FunctionEntry& entry_;
  ByteReader in_;
  uintptr_t location_;
  const uintptr_t address_;
  FrameRules& rules_;
  FrameRules initial_;
  FrameRules remembered_[kMostRemembered];
  unsigned remembered_count_ = 0;
};

}  // namespace

bool FindFrameRules(const FunctionEntry& entry, uintptr_t address, FrameRules* rules) {
  return Interpreter(entry, address, rules).Run();
}

}  // namespace mymalloc
