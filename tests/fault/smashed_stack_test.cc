// Stacks that the program wrote over: the walk ends, and nothing else happens.

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>

#include "mymalloc/fault/stack_trace.h"
#include "tests/support/check.h"
#include "tests/support/child.h"

namespace mymalloc::test {
namespace {

constexpr size_t kWords = 1024;

uintptr_t saved[kWords];
uintptr_t garbage[kWords];
uintptr_t frames[64];
unsigned count;

// Everything from this function's frame pointer on, the return address next, is garbage while the
// stack is captured.
__attribute__((noinline)) void CaptureSmashed() {
  auto* const words = static_cast<volatile uintptr_t*>(__builtin_frame_address(0));
  for (size_t i = 0; i < kWords; ++i) saved[i] = words[i];
  for (size_t i = 0; i < kWords; ++i) words[i] = garbage[i];
  count = CaptureStack(frames, 64);
  for (size_t i = 0; i < kWords; ++i) words[i] = saved[i];
}

// Has the compiler keep the array where it is.
void Touch(char* array) { __asm__ volatile("" ::"r"(array) : "memory"); }

// There is this much of the stack to write over.
__attribute__((noinline)) void WithRoom() {
  char room[(kWords + 64) * sizeof(uintptr_t)];
  Touch(room);
  CaptureSmashed();
  Touch(room);
}

void* OnThread(void*) {
  WithRoom();
  return nullptr;
}

// On a thread whose stack ends before memory that cannot be read.
void CaptureWithGarbage() {
  count = 0;
  WithRoom();
  EXPECT_LE(count, 64u);
  constexpr size_t kStack = 128 << 10;
  auto* const memory = static_cast<char*>(
      mmap(nullptr, kStack + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_EQ(mprotect(memory + kStack, 4096, PROT_NONE), 0);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstack(&attributes, memory, kStack), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &attributes, OnThread, nullptr), 0);
  pthread_join(thread, nullptr);
  EXPECT_LE(count, 64u);
  pthread_attr_destroy(&attributes);
  munmap(memory, kStack + 4096);
}

void FillGarbage(uintptr_t word) {
  for (uintptr_t& entry : garbage) entry = word;
}

TEST(SmashedStackTest, OneWordAllOver) {
  for (const uintptr_t word :
       {uintptr_t{0}, ~uintptr_t{0}, uintptr_t{0x4141414141414141}, uintptr_t{1},
        uintptr_t{0x7fffffffffff}, reinterpret_cast<uintptr_t>(&count)}) {
    FillGarbage(word);
    CaptureWithGarbage();
  }
}

TEST(SmashedStackTest, WhereTheReturnAddressWentIsShown) {
  FillGarbage(0x4141414141414141);
  WithRoom();
  ASSERT_GE(count, 2u);
  EXPECT_EQ(frames[1], 0x4141414141414141u);
  EXPECT_EQ(count, 2u);
}

TEST(SmashedStackTest, PointersIntoTheStack) {
  volatile char here = 0;
  for (size_t i = 0; i < kWords; ++i) {
    garbage[i] = reinterpret_cast<uintptr_t>(&here) - 4 * kWords + i % 256 * 8;
  }
  CaptureWithGarbage();
}

// A function whose caller is far away: beyond the end of the stack, be it that of the thread.
__attribute__((noinline)) void HugeFrame() {
  char array[1 << 20];
  Touch(array);
  count = CaptureStack(frames, 64);
  Touch(array);
}

TEST(SmashedStackTest, CallsThatNeverWere) {
  HugeFrame();
  ASSERT_GE(count, 2u);
  FillGarbage(frames[0]);
  CaptureWithGarbage();
  WithRoom();
  for (const uintptr_t address :
       {reinterpret_cast<uintptr_t>(&memcpy), reinterpret_cast<uintptr_t>(&WithRoom),
        reinterpret_cast<uintptr_t>(&syscall) + 30}) {
    FillGarbage(address + 1);
    CaptureWithGarbage();
  }
}

TEST(SmashedStackTest, Random) {
  std::mt19937_64 random(1);
  const uintptr_t bases[] = {reinterpret_cast<uintptr_t>(&memcpy) & ~uintptr_t{0xfffff},
                             reinterpret_cast<uintptr_t>(&CaptureStack) & ~uintptr_t{0xffff},
                             reinterpret_cast<uintptr_t>(&random) & ~uintptr_t{0xffff}};
  for (int round = 0; round < 300; ++round) {
    for (uintptr_t& word : garbage) word = bases[random() % 3] + random() % 0x100000;
    CaptureWithGarbage();
  }
}

// A function that finds its frame by rbp.
__attribute__((noinline)) void FrameOfUnknownSize(size_t n) {
  __asm__ volatile("" : "+r"(n));  // unknown to the compiler, too
  Touch(static_cast<char*>(__builtin_alloca(n)));
  count = CaptureStack(frames, 64);
}

// Each of the frames is its own caller.
TEST(SmashedStackTest, AFrameThatDoesNotLieAboveTheOneBeforeIsTheLast) {
  FrameOfUnknownSize(100);
  ASSERT_GE(count, 2u);
  static uintptr_t chain[2];
  chain[0] = reinterpret_cast<uintptr_t>(chain);
  for (const uintptr_t address : {frames[0], uintptr_t{0x1234567}}) {
    chain[1] = address;
    garbage[0] = chain[0];
    garbage[1] = chain[1];
    WithRoom();
    EXPECT_EQ(count, 2u);
  }
}

void RefuseSystemCall(uint32_t number) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {4, filter};
  MYMALLOC_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  MYMALLOC_CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

TEST(SeccompTest, WorksWhereOneMayNotReadProcesses) {
  InChild([] {
    RefuseSystemCall(SYS_process_vm_readv);
    MYMALLOC_CHECK(CaptureStack(frames, 64) > 3);
  });
}

TEST(SeccompTest, WhereNothingCanBeAskedThereIsNoStack) {
  InChild([] {
    RefuseSystemCall(SYS_futex);
    MYMALLOC_CHECK(CaptureStack(frames, 64) == 0);
  });
}

}  // namespace
}  // namespace mymalloc::test
