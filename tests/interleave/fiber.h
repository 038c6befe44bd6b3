// A thread of control that is switched by hand: what a model's threads run on.

#ifndef MYMALLOC_TESTS_INTERLEAVE_FIBER_H_
#define MYMALLOC_TESTS_INTERLEAVE_FIBER_H_

#include <cstddef>
#include <memory>

namespace mymalloc::interleave {

class Fiber {
 public:
  Fiber();

  // Makes the next Resume call body(), which must not return but end in a Suspend that is never
  // resumed. What the fiber was doing before is forgotten, without unwinding its stack.
  void Start(void (*body)());

  // Runs the fiber until its next Suspend.
  void Resume();
  // By the fiber that runs: back to whoever resumed it.
  static void Suspend();

 private:
  static constexpr size_t kStackBytes = size_t{64} << 10;

  std::unique_ptr<char[]> stack_;
  void* stack_pointer_ = nullptr;
};

}  // namespace mymalloc::interleave

#endif  // MYMALLOC_TESTS_INTERLEAVE_FIBER_H_
