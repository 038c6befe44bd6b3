// The library itself comes by dlopen, late, into a process that has long been using the C library's
// allocator, and may go again.

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/checked_block.h"
#include "tests/support/child.h"
#include "tests/support/churn.h"
#include "tests/support/library.h"

namespace mymalloc::test {
namespace {

class OpenLibrary {
 public:
  OpenLibrary() : handle_(dlopen(LibraryUnderTest().c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) {
      ADD_FAILURE() << dlerror();
      return;
    }
    malloc_ = reinterpret_cast<void* (*)(size_t)>(dlsym(handle_, "mymalloc_malloc"));
    free_ = reinterpret_cast<void (*)(void*)>(dlsym(handle_, "mymalloc_free"));
  }
  OpenLibrary(const OpenLibrary&) = delete;
  OpenLibrary& operator=(const OpenLibrary&) = delete;
  ~OpenLibrary() {
    if (handle_ != nullptr) dlclose(handle_);
  }

  bool ok() const { return malloc_ != nullptr && free_ != nullptr; }

  // Allocates, checks and frees blocks of the library's beside blocks of the C library's.
  void Use(uint64_t seed) const {
    CheckedList theirs;
    CheckedList ours;
    for (uint64_t i = 0; i < 500; ++i) {
      const size_t size = SpreadSize((seed + i) * 7919, 40000);
      void* memory = malloc_(size);
      MYMALLOC_CHECK(memory != nullptr);
      theirs.Push(MakeChecked(memory, size, i));
      ours.Push(NewChecked(size, i + 1));
    }
    MYMALLOC_CHECK(theirs.AllIntact());
    while (CheckedBlock* block = theirs.Pop()) free_(block);
    ours.FreeAll();
  }

 private:
  void* handle_;
  void* (*malloc_)(size_t) = nullptr;
  void (*free_)(void*) = nullptr;
};

TEST(DlopenSelf, InAThreadedProcess) {
  const Churn churn(2);
  const OpenLibrary library;
  ASSERT_TRUE(library.ok());
  std::vector<std::thread> threads;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    threads.emplace_back([&library, seed] { library.Use(seed); });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(DlopenSelf, ForkedChildrenUseBoth) {
  const Churn churn(2);
  const OpenLibrary library;
  ASSERT_TRUE(library.ok());
  for (uint64_t i = 0; i < 50; ++i) InChild([&library, i] { library.Use(i); });
}

// Threads that have used the library end after it was closed.
TEST(DlopenSelf, OpenedAndClosedInALoop) {
  for (uint64_t round = 0; round < 50; ++round) {
    std::atomic<bool> used{false};
    std::atomic<bool> closed{false};
    std::thread thread;
    {
      const OpenLibrary library;
      ASSERT_TRUE(library.ok());
      library.Use(round);
      thread = std::thread([&library, &used, &closed, round] {
        library.Use(round);
        used = true;
        while (!closed) usleep(100);
      });
      while (!used) usleep(100);
    }
    closed = true;
    thread.join();
    FreeChecked(NewChecked(1000, round));
  }
}

}  // namespace
}  // namespace mymalloc::test
