// What the tests of the engine's parts share: the engine set up so that nothing happens behind the
// test's back, and a heap that must be sound at the end of each test.

#ifndef MYMALLOC_TESTS_HEAP_ENGINE_H_
#define MYMALLOC_TESTS_HEAP_ENGINE_H_

#include <cstdint>

#include "gtest/gtest.h"
#include "mymalloc/base/options.h"
#include "mymalloc/process/attach.h"
#include "mymalloc/process/janitor.h"
#include "mymalloc/process/registry.h"
#include "mymalloc/report/verify.h"

namespace mymalloc::test {

inline void* Pointer(uintptr_t address) { return reinterpret_cast<void*>(address); }
inline uintptr_t Address(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

// A test may set g_options and g_policy, but not what is read once, at the start (the detour,
// whether tags are readable): for that give it the option by env in its BUILD.
class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    EnsureHeap();
    g_options = Options();
    g_options.sample = {0};
    g_policy = Policy();
    g_options.decay = {Millis::kNever};  // passes are the test's to make
    g_janitor.Poll();                    // from now on no tick is due
    GiveAllBack();
  }
  ~EngineTest() override { EXPECT_STREQ(VerifyHeap(), nullptr); }

  // Everything that is free goes back to the kernel.
  static void GiveAllBack() {
    CurrentHeap()->Flush();
    g_janitor.Pass(/*all=*/true);
  }
};

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_HEAP_ENGINE_H_
