// pthread_atfork handlers that allocate. Some are registered before anything could have called
// malloc, so that they run while the allocator's own handlers, if it has any, hold its locks.

#include <gtest/gtest.h>
#include <pthread.h>

#include "tests/support/check.h"
#include "tests/support/checked_block.h"
#include "tests/support/child.h"
#include "tests/support/churn.h"

namespace mymalloc::test {
namespace {

constexpr int kForks = 200;

// One set of handlers: what prepare has allocated is freed on both sides of the fork.
template <int kIdentity>
struct Handlers {
  static void Prepare() {
    ++calls;
    for (size_t size = 32; size <= 300000; size *= 5) blocks.Push(NewChecked(size, kIdentity));
    FreeChecked(NewChecked(100, kIdentity));
  }
  static void After() {
    blocks.FreeAll();
    for (size_t size = 32; size <= 300000; size *= 5) FreeChecked(NewChecked(size, kIdentity));
  }
  static int Register() { return pthread_atfork(Prepare, After, After); }

  static inline int calls = 0;
  static inline CheckedList blocks;
};

using BeforeEverything = Handlers<1>;
using BeforeMain = Handlers<2>;
using AfterMalloc = Handlers<3>;

void RegisterBeforeEverything(int, char**, char**) {
  MYMALLOC_CHECK(BeforeEverything::Register() == 0);
}

// Run before the constructors of every library.
[[gnu::section(".preinit_array"),
  gnu::used]] void (*const preinit)(int, char**, char**) = RegisterBeforeEverything;

[[gnu::constructor(101)]] void RegisterBeforeMain() { MYMALLOC_CHECK(BeforeMain::Register() == 0); }

TEST(Atfork, HandlersMayAllocate) {
  FreeChecked(NewChecked(100, 0));
  ASSERT_EQ(AfterMalloc::Register(), 0);
  Churn churn(2);
  for (int i = 0; i < kForks; ++i) InChild([] { FreeChecked(NewChecked(1000, 0)); });
  EXPECT_EQ(BeforeEverything::calls, kForks);
  EXPECT_EQ(BeforeMain::calls, kForks);
  EXPECT_EQ(AfterMalloc::calls, kForks);
}

}  // namespace
}  // namespace mymalloc::test
