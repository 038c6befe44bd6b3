// One process of the soak: threads that do everything at once, round after round.

#ifndef MYMALLOC_TESTS_SOAK_WORKER_H_
#define MYMALLOC_TESTS_SOAK_WORKER_H_

#include <chrono>
#include <cstdint>
#include <string>

namespace mymalloc::test {

struct WorkerPlan {
  std::chrono::steady_clock::time_point end;
  uint64_t seed = 0;
  std::string self;    // this program, to be executed anew
  std::string plugin;  // a library to load and unload
  bool leak = false;   // on purpose: the soak must say so
};

// Works until the end. Aborts if a block is not intact, or the heap not sound.
void RunWorker(const WorkerPlan& plan);

// What `self --misuse` does, with reports for warnings: the same misuse again and again.
void Misuse();

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_SOAK_WORKER_H_
