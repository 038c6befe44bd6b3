#include "tests/interleave/fiber.h"

#include <cstdint>

extern "C" {
// Keeps the caller's state on its stack and the stack pointer in *from; goes on where `to` left
// off.
void InterleaveSwitchStack(void** from, void* to);
}

__asm__(
    ".text\n"
    ".type InterleaveSwitchStack, @function\n"
    "InterleaveSwitchStack:\n"
    "  push %rbp\n"
    "  push %rbx\n"
    "  push %r12\n"
    "  push %r13\n"
    "  push %r14\n"
    "  push %r15\n"
    "  mov %rsp, (%rdi)\n"
    "  mov %rsi, %rsp\n"
    "  pop %r15\n"
    "  pop %r14\n"
    "  pop %r13\n"
    "  pop %r12\n"
    "  pop %rbx\n"
    "  pop %rbp\n"
    "  ret\n"
    ".size InterleaveSwitchStack, . - InterleaveSwitchStack\n");

namespace mymalloc::interleave {
namespace {

constexpr size_t kSavedRegisters = 6;

Fiber* g_running = nullptr;
void* g_resumer = nullptr;  // its stack pointer

}  // namespace

Fiber::Fiber() : stack_(new char[kStackBytes]) {}

void Fiber::Start(void (*body)()) {
  const uintptr_t end = (reinterpret_cast<uintptr_t>(stack_.get()) + kStackBytes) & ~uintptr_t{15};
  void** top = reinterpret_cast<void**>(end);
  *--top = nullptr;  // the return address that body never uses; it also aligns the stack
  *--top = reinterpret_cast<void*>(body);
  for (size_t i = 0; i < kSavedRegisters; ++i) *--top = nullptr;
  stack_pointer_ = top;
}

void Fiber::Resume() {
  g_running = this;
  InterleaveSwitchStack(&g_resumer, stack_pointer_);
}

void Fiber::Suspend() { InterleaveSwitchStack(&g_running->stack_pointer_, g_resumer); }

}  // namespace mymalloc::interleave
