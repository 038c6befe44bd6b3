// Stacks of functions that keep no frame pointer: only the unwind tables tell where callers are.

#include "mymalloc/fault/stack_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "tests/fault/captured.h"

// Where the tests look for names, these are exactly the functions that were written.
#define TEST_FUNCTION __attribute__((noinline, noclone))
#ifdef __clang__
#undef TEST_FUNCTION
#define TEST_FUNCTION __attribute__((noinline))
#endif

// Keeps the call before it from being the function's last instruction.
#define NO_TAIL_CALL() __asm__ volatile("")

namespace mymalloc::test {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

Captured captured;

TEST_FUNCTION void First() {
  captured.Take();
  NO_TAIL_CALL();
}

// Has the compiler keep the array where it is.
void Touch(char* array) { __asm__ volatile("" ::"r"(array) : "memory"); }

TEST_FUNCTION void Second() {
  char array[200];
  Touch(array);
  First();
  NO_TAIL_CALL();
}

// A frame of a size that is known only when it runs, which the compiler must address by rbp.
TEST_FUNCTION void Third(size_t n) {
  __asm__ volatile("" : "+r"(n));
  Touch(static_cast<char*>(__builtin_alloca(n)));
  Second();
  NO_TAIL_CALL();
}

// A frame that is aligned more than the ABI does.
TEST_FUNCTION void Fourth(size_t n) {
  alignas(256) char array[512];
  Touch(array);
  Third(n);
  NO_TAIL_CALL();
}

// The same with arguments on the stack: only an expression says where its frame is.
TEST_FUNCTION void Fifth(size_t a, size_t b, size_t c, size_t d, size_t e, size_t f, size_t g) {
  alignas(256) char array[512];
  Touch(array);
  Touch(static_cast<char*>(__builtin_alloca(a + b + c + d + e + f + g)));
  Fourth(g);
  Touch(array);
}

testing::Matcher<const std::vector<std::string>&> StartsWithFunctions(
    std::vector<std::string> functions) {
  return testing::ResultOf(
      [functions](const std::vector<std::string>& names) {
        bool all = names.size() >= functions.size();
        for (size_t i = 0; all && i < functions.size(); ++i) {
          all = names[i].find(functions[i]) != std::string::npos;
        }
        return all;
      },
      true);
}

TEST(StackTraceTest, SeveralFrames) {
  Fifth(1, 2, 3, 4, 5, 6, 100);
  const std::vector<std::string> names = captured.Names();
  EXPECT_THAT(names, StartsWithFunctions({"Captured::Take", "First", "Second", "Third", "Fourth",
                                          "Fifth", "SeveralFrames"}));
  EXPECT_THAT(names, Contains("main"));
  EXPECT_EQ(names.back(), "_start");
}

TEST(StackTraceTest, AtMostTheCapacity) {
  uintptr_t frames[3] = {};
  EXPECT_EQ(CaptureStack(frames, 2), 2u);
  EXPECT_NE(frames[1], 0u);
  EXPECT_EQ(frames[2], 0u);
  EXPECT_EQ(CaptureStack(frames, 0), 0u);
}

TEST_FUNCTION void LeafThatJumps() { First(); }
TEST_FUNCTION void MiddleThatJumps() { LeafThatJumps(); }
TEST_FUNCTION void CallerOfJumps() {
  MiddleThatJumps();
  NO_TAIL_CALL();
}

// Functions that ended with a jump are gone (but under a sanitizer that has them do more at their
// end); their caller is not.
TEST(StackTraceTest, TailCalls) {
  CallerOfJumps();
  std::vector<std::string> names = captured.Names();
  const auto jumped = [](const std::string& name) {
    return name.find("ThatJumps") != std::string::npos;
  };
  names.erase(std::remove_if(names.begin(), names.end(), jumped), names.end());
  EXPECT_THAT(names,
              StartsWithFunctions({"Captured::Take", "First", "CallerOfJumps", "TailCalls"}));
}

TEST_FUNCTION int Compare(const void* a, const void* b) {
  captured.Take();
  return *static_cast<const int*>(a) - *static_cast<const int*>(b);
}

TEST_FUNCTION void Sort() {
  int numbers[] = {3, 1, 2};
  qsort(numbers, 3, sizeof(int), Compare);
  NO_TAIL_CALL();
}

TEST(StackTraceTest, ThroughALibrary) {
  Sort();
  const std::vector<std::string> names = captured.Names();
  EXPECT_THAT(names, StartsWithFunctions({"Captured::Take", "Compare"}));
  EXPECT_THAT(names, IsSupersetOf({HasSubstr("Sort()"), HasSubstr("ThroughALibrary")}));
}

void* InThread(void*) {
  First();
  NO_TAIL_CALL();
  return nullptr;
}

TEST(StackTraceTest, InAThread) {
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, nullptr, InThread, nullptr), 0);
  pthread_join(thread, nullptr);
  EXPECT_THAT(captured.Names(),
              StartsWithFunctions({"Captured::Take", "First", "InThread(void*)"}));
  EXPECT_LT(captured.count, 10u);
}

TEST_FUNCTION void Handle(int) {
  First();
  NO_TAIL_CALL();
}

TEST_FUNCTION void Interrupted() {
  raise(SIGUSR1);
  NO_TAIL_CALL();
}

class OnSignal {
 public:
  OnSignal(int signal, int flags, void (*handler)(int, siginfo_t*, void*)) : signal_(signal) {
    struct sigaction action = {};
    action.sa_sigaction = handler;
    action.sa_flags = flags | SA_SIGINFO;
    sigaction(signal, &action, &before_);
  }
  OnSignal(const OnSignal&) = delete;
  OnSignal& operator=(const OnSignal&) = delete;
  ~OnSignal() { sigaction(signal_, &before_, nullptr); }

 private:
  int signal_;
  struct sigaction before_;
};

void HandleWithContext(int signal, siginfo_t*, void*) {
  Handle(signal);
  NO_TAIL_CALL();
}

TEST(StackTraceTest, ThroughASignalHandler) {
  const OnSignal handler(SIGUSR1, 0, HandleWithContext);
  Interrupted();
  const std::vector<std::string> names = captured.Names();
  EXPECT_THAT(names,
              StartsWithFunctions({"Captured::Take", "First", "Handle(int)", "HandleWithContext"}));
  EXPECT_THAT(names, IsSupersetOf({HasSubstr("Interrupted()"), HasSubstr("ThroughASignal")}));
  // The handler returns to exactly this: mov $SYS_rt_sigreturn, %rax.
  const uint8_t code[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0};
  const auto is_return = [&code](uintptr_t frame) {
    return memcmp(reinterpret_cast<void*>(frame - 1), code, sizeof(code)) == 0;
  };
  const uintptr_t* const frames = captured.frames;
  EXPECT_EQ(std::count_if(frames, frames + captured.count, is_return), 1);
  EXPECT_EQ(names.back(), "_start");
}

// The way back leads to a stack that may lie below or above the handler's.
TEST(StackTraceTest, ThroughAHandlerOnItsOwnStack) {
  for (const bool above : {false, true}) {
    const size_t size = 256 << 10;
    char* const hint = above ? reinterpret_cast<char*>(0x7ffffffde000) - size : nullptr;
    void* const memory =
        mmap(hint, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    stack_t stack = {};
    stack_t before = {};
    stack.ss_size = size;
    stack.ss_sp = memory;
    ASSERT_EQ(sigaltstack(&stack, &before), 0);
    {
      const OnSignal handler(SIGUSR1, SA_ONSTACK, HandleWithContext);
      Interrupted();
    }
    ASSERT_EQ(sigaltstack(&before, nullptr), 0);
    munmap(memory, size);
    EXPECT_THAT(captured.Names(),
                IsSupersetOf({HasSubstr("Interrupted()"), HasSubstr("OwnStack")}));
  }
}

// A trap at a function's very first instruction: the one before belongs to another function, whose
// caller would be found elsewhere.
__asm__(
    ".type BeforeTrap, @function\n"
    "BeforeTrap: .cfi_startproc\n .cfi_def_cfa_offset 64\n nop\n .cfi_endproc\n"
    ".size BeforeTrap, . - BeforeTrap\n"
    ".globl TrapAtOnce\n"
    ".type TrapAtOnce, @function\n"
    "TrapAtOnce: .cfi_startproc\n ud2\n ret\n .cfi_endproc\n"
    ".size TrapAtOnce, . - TrapAtOnce\n");
extern "C" void TrapAtOnce();

void SkipTrap(int signal, siginfo_t*, void* context) {
  Handle(signal);
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP] += 2;
}

TEST(StackTraceTest, ThroughATrapAtAFunctionsStart) {
  const OnSignal handler(SIGILL, 0, SkipTrap);
  TrapAtOnce();
  EXPECT_THAT(captured.Names(),
              IsSupersetOf({HasSubstr("TrapAtOnce"), HasSubstr("AFunctionsStart")}));
}

TEST_FUNCTION void TakeIt() {
  captured.Take();
  NO_TAIL_CALL();
}

// A call that is the last instruction of its function, as one is that never returns: what follows
// belongs to another function. (Here it does return, and finds there what it needs.)
__asm__(
    ".globl CallAtTheEnd\n"
    ".type CallAtTheEnd, @function\n"
    "CallAtTheEnd: .cfi_startproc\n sub $104, %rsp\n .cfi_adjust_cfa_offset 104\n"
    " call *%rdi\n .cfi_endproc\n"
    ".size CallAtTheEnd, . - CallAtTheEnd\n"
    ".type AfterTheCall, @function\n"
    "AfterTheCall: .cfi_startproc\n add $104, %rsp\n ret\n .cfi_endproc\n"
    ".size AfterTheCall, . - AfterTheCall\n");
extern "C" void CallAtTheEnd(void (*function)());

TEST(StackTraceTest, ThroughACallAtAFunctionsEnd) {
  CallAtTheEnd(TakeIt);
  EXPECT_THAT(captured.Names(), StartsWithFunctions({"Captured::Take", "TakeIt", "CallAtTheEnd",
                                                     "ThroughACallAtAFunctionsEnd"}));
}

// Code made at run time has no unwind table; what keeps a frame pointer is walked through.
TEST(StackTraceTest, ThroughCodeMadeAtRunTime) {
  const uint8_t code[] = {0x55,                    // push %rbp
                          0x48, 0x89, 0xe5,        // mov %rsp, %rbp
                          0x48, 0x83, 0xec, 0x40,  // sub $64, %rsp
                          0xff, 0xd7,              // call *%rdi
                          0xc9,                    // leave
                          0xc3};                   // ret
  void* const page =
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  memcpy(page, code, sizeof(code));
  ASSERT_EQ(mprotect(page, 4096, PROT_READ | PROT_EXEC), 0);
  reinterpret_cast<void (*)(void (*)())>(page)(TakeIt);
  munmap(page, 4096);
  EXPECT_THAT(captured.Names(),
              StartsWithFunctions({"Captured::Take", "TakeIt", "in no module", "MadeAtRunTime"}));
}

}  // namespace mymalloc::test
