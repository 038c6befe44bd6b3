// The lock in every order: one holder at a time, who sees what the one before did; and none waits
// for ever.

#include "gtest/gtest.h"
#include "tests/interleave/engine.h"

namespace mymalloc::interleave {
namespace {

// A lock that looks and then takes, for comparison.
class LookingLock {
 public:
  void Acquire() {
    while (held_.load() != 0) Machine::Running()->Pause();
    held_.store(1);
  }
  void Release() { held_.store(0, std::memory_order_release); }

 private:
  ScheduledAtomic<uint32_t> held_{0};
};

// A lock whose waiters, once woken, forget that others may sleep as well.
class ForgetfulLock {
 public:
  void Acquire() {
    uint32_t state = 0;
    if (state_.compare_exchange_strong(state, kHeld)) return;
    if (state_.exchange(kAwaited) == 0) return;
    do {
      Machine::Running()->SleepOn(reinterpret_cast<const uint32_t*>(&state_), kAwaited);
      state = 0;
    } while (!state_.compare_exchange_strong(state, kHeld));
  }
  void Release() {
    if (state_.exchange(0) == kAwaited)
      Machine::Running()->WakeOne(reinterpret_cast<const uint32_t*>(&state_));
  }

 private:
  static constexpr uint32_t kHeld = 1;
  static constexpr uint32_t kAwaited = 2;
  ScheduledAtomic<uint32_t> state_{0};
};

template <typename L>
struct Shared {
  L lock;
  ScheduledAtomic<unsigned> inside{0};
  ScheduledAtomic<unsigned> count{0};
};

template <typename L>
Result RunAll(unsigned threads, unsigned times) {
  static Shared<L> shared;
  Program p;
  p.reset = [] { new (&shared) Shared<L>; };
  for (unsigned i = 0; i < threads; ++i) {
    p.threads.push_back([times]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      for (unsigned n = 0; n < times; ++n) {
        shared.lock.Acquire();
        if (shared.inside.exchange(1) != 0) Fail("two hold the lock");
        shared.count.store(shared.count.load() + 1, std::memory_order_relaxed);
        shared.inside.store(0, std::memory_order_relaxed);
        shared.lock.Release();
      }
    });
  }
  p.check = [=] {
    if (shared.count.load() != threads * times) Fail("an update was lost");
  };
  return Explore(p);
}

TEST(LockTest, OneHolderAtATime) {
  for (const auto& [threads, times] : {std::pair{2u, 2u}, {3u, 1u}}) {
    const Result result = RunAll<Lock>(threads, times);
    result.Print((std::to_string(threads) + " threads, each " + std::to_string(times)).c_str());
    EXPECT_EQ(result.violation, "");
    EXPECT_TRUE(result.complete);
  }
}

TEST(LockTest, MutationLookThenTake) {
  const Result result = RunAll<LookingLock>(2, 1);
  result.Print("look, then take");
  EXPECT_EQ(result.violation.rfind("two hold the lock", 0), 0u) << result.violation;
}

TEST(LockTest, MutationForgetsOtherSleepers) {
  const Result result = RunAll<ForgetfulLock>(3, 1);
  result.Print("forgets who else sleeps");
  EXPECT_EQ(result.violation.rfind("the threads wait for each other", 0), 0u) << result.violation;
}

}  // namespace
}  // namespace mymalloc::interleave
