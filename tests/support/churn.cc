#include "tests/support/churn.h"

#include <random>

namespace mymalloc::test {

Churn::Churn(int threads, size_t largest) : largest_(largest) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this, i] { Work(static_cast<uint64_t>(i)); });
  }
}

Churn::~Churn() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  for (size_t i = 0; i < exchange_.size(); ++i) FreeChecked(TakeBlock(i));
}

CheckedBlock* Churn::TakeBlock(size_t index) {
  return exchange_[index % exchange_.size()].exchange(nullptr);
}

void Churn::Work(uint64_t seed) {
  std::mt19937_64 random(seed);
  while (!stopping_.load(std::memory_order_relaxed)) {
    CheckedBlock* block = NewChecked(SpreadSize(random(), largest_), random());
    if (block != nullptr) FreeChecked(exchange_[random() % exchange_.size()].exchange(block));
    rounds_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace mymalloc::test
