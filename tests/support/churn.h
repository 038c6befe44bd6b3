// Threads that do nothing but allocate and free, their own blocks and each other's, for as long as
// the object lives: the background of a test. They abort the process if a block is not intact.

#ifndef MYMALLOC_TESTS_SUPPORT_CHURN_H_
#define MYMALLOC_TESTS_SUPPORT_CHURN_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "tests/support/checked_block.h"

namespace mymalloc::test {

class Churn {
 public:
  explicit Churn(int threads, size_t largest = 100000);
  Churn(const Churn&) = delete;
  Churn& operator=(const Churn&) = delete;
  ~Churn();

  // Takes one of the blocks that the threads exchange, or null. Also for a forked child, which has
  // them without having the threads.
  CheckedBlock* TakeBlock(size_t index);

  uint64_t rounds() const { return rounds_.load(); }

 private:
  void Work(uint64_t seed);

  const size_t largest_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> rounds_{0};
  std::array<std::atomic<CheckedBlock*>, 256> exchange_{};
  std::vector<std::thread> threads_;
};

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_SUPPORT_CHURN_H_
