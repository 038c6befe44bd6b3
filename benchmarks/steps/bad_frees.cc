// Misuses the heap in eleven ways, each in a process of its own, and prints as JSON which of them
// the allocator finds: it then ends the process by SIGABRT. A crash is no find, as it says nothing
// and may as well not happen.

#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace {

constexpr size_t kSmall = 100;
constexpr size_t kLarge = 1 << 20;
constexpr size_t kOverwritten = 8;
constexpr unsigned kPatience = 5;  // Seconds.

// The compiler shall not know what this points to.
void* Hidden(void* pointer) {
  asm volatile("" : "+r"(pointer));
  return pointer;
}

char* New(size_t size) { return static_cast<char*>(Hidden(calloc(1, size))); }
void Free(void* pointer) { free(Hidden(pointer)); }

// What any program does before and after.
void GoOn() {
  constexpr size_t kBlocks = 200;
  void* blocks[kBlocks];
  for (void*& block : blocks) block = New(kSmall);
  for (void* block : blocks) Free(block);
}

void FreeTwice() {
  char* block = New(kSmall);
  Free(block);
  Free(block);
}

void FreeTwiceWithOthersBetween() {
  char* block = New(kSmall);
  Free(block);
  GoOn();
  Free(New(kSmall / 2));
  Free(block);
}

void FreeTwiceByTwoThreads() {
  char* block = New(kSmall);
  std::thread(Free, block).join();
  Free(block);
}

void FreeLargeTwice() {
  char* block = New(kLarge);
  Free(block);
  Free(block);
}

void FreeOfTheStack() {
  alignas(16) char local[kSmall] = {};
  Free(local + 16);
}

void FreeOfStaticData() {
  alignas(16) static char data[kSmall];
  Free(data + 16);
}

void FreeOfNothing() {
  void* hole = mmap(nullptr, kLarge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(hole, kLarge);
  Free(static_cast<char*>(hole) + kLarge / 2);
}

void FreeIntoTheMiddle() { Free(New(kSmall) + 16); }

void FreeIntoTheMiddleOfLarge() { Free(New(kLarge) + kLarge / 2); }

void WriteBefore() {
  char* block = New(kSmall);
  memset(Hidden(block - kOverwritten), 'x', kOverwritten);
  Free(block);
}

// Over the end of the first of several that lie side by side, perhaps, which are then all freed.
void WriteBehind() {
  char* blocks[] = {New(kSmall), New(kSmall), New(kSmall)};
  memset(Hidden(blocks[0] + kSmall), 'x', 2 * kOverwritten);
  for (char* block : blocks) Free(block);
}

struct Misuse {
  const char* name;
  void (*commit)();
};

constexpr Misuse kMisuses[] = {
    {"freed twice", FreeTwice},
    {"freed twice, others between", FreeTwiceWithOthersBetween},
    {"freed twice, by two threads", FreeTwiceByTwoThreads},
    {"large, freed twice", FreeLargeTwice},
    {"an address of the stack", FreeOfTheStack},
    {"an address of static data", FreeOfStaticData},
    {"an address of nothing", FreeOfNothing},
    {"into the middle of a block", FreeIntoTheMiddle},
    {"into the middle of a large block", FreeIntoTheMiddleOfLarge},
    {"written to before the block", WriteBefore},
    {"written to behind the block", WriteBehind},
};

// Whether it is ended by SIGABRT.
bool IsFound(const Misuse& misuse) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    if (freopen("/dev/null", "w", stderr) == nullptr) _exit(1);
    alarm(kPatience);
    GoOn();
    misuse.commit();
    GoOn();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

}  // namespace

// What the harness looks at to see whose malloc it is, as the workloads' reports have it.
const char* MallocLibrary() {
  Dl_info info;
  return dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info) != 0 ? info.dli_fname : "";
}

int main() {
  if (IsFound({"nothing", GoOn})) {
    fprintf(stderr, "bad_frees: a program that misuses nothing is ended\n");
    return 1;
  }
  int found = 0;
  printf("{\"checksum\":\"\",\"optimized\":true,\"malloc_from\":\"%s\"", MallocLibrary());
  for (const Misuse& misuse : kMisuses) {
    const bool is_found = IsFound(misuse);
    found += is_found ? 1 : 0;
    printf(",\"%s\":%d", misuse.name, is_found ? 1 : 0);
  }
  printf(",\"found\":%d,\"misuses\":%zu}\n", found, sizeof(kMisuses) / sizeof(kMisuses[0]));
  return 0;
}
