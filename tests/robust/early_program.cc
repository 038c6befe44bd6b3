// early_program MODE: allocates before and after everything that a program may count on, in the
// order of its life: .preinit_array, constructors, main, exit handlers,
// destructors. Says on stdout which of them have run, and ends by MODE.

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/check.h"
#include "tests/support/checked_block.h"

namespace mymalloc::test {
namespace {

void Say(const char* text) { MYMALLOC_CHECK(write(STDOUT_FILENO, text, strlen(text)) > 0); }

// Each stage frees what the stages before it have left, and leaves something to the next.
CheckedList legacy;

void Stage() {
  MYMALLOC_CHECK(legacy.AllIntact());
  legacy.FreeEverySecond();
  for (size_t size = 32; size < 2000000; size *= 3) {
    for (uint64_t i = 0; i < 5; ++i) {
      CheckedBlock* block = NewChecked(size, i);
      MYMALLOC_CHECK(block != nullptr);
      legacy.Push(block);
    }
  }
  free(realloc(malloc(100), 100000));
  // A run of long slots.
  void* const large = malloc(3 << 20);
  MYMALLOC_CHECK(large != nullptr);
  free(large);
  free(calloc(10, 10));
}

void Preinit(int, char**, char**) { Stage(); }

[[gnu::section(".preinit_array"), gnu::used]] void (*const preinit)(int, char**, char**) = Preinit;

[[gnu::constructor(101)]] void FirstConstructor() { Stage(); }

// Outlives every other object of the program.
[[gnu::destructor(101)]] void LastDestructor() {
  Stage();
  legacy.FreeAll();
  Say("destructor\n");
}

struct Global {
  Global() : words(100, std::string(100, 'w')) { Stage(); }
  ~Global() {
    Stage();
    words.push_back(std::string(1000, 'x'));
    Say("global\n");
  }
  std::vector<std::string> words;
};
Global global;

void ExitHandler() {
  Stage();
  Say("handler\n");
}

void AllocateForEver() {
  for (uint64_t i = 0;; ++i) FreeChecked(NewChecked(SpreadSize(i * 7919, 300000), i));
}

void End(const std::string& mode) {
  if (mode == "_exit") _exit(0);
  if (mode == "quick_exit") quick_exit(0);
  if (mode == "threads") {
    for (int i = 0; i < 4; ++i) std::thread(AllocateForEver).detach();
    usleep(20000);
  }
  exit(0);
}

}  // namespace
}  // namespace mymalloc::test

int main(int argc, char** argv) {
  using namespace mymalloc::test;
  MYMALLOC_CHECK(argc == 2);
  MYMALLOC_CHECK(atexit(ExitHandler) == 0);
  MYMALLOC_CHECK(at_quick_exit(ExitHandler) == 0);
  Stage();
  Say("main\n");
  End(argv[1]);
}
