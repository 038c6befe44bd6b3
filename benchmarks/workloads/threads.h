// Threads that start together.

#ifndef BENCHMARKS_WORKLOADS_THREADS_H_
#define BENCHMARKS_WORKLOADS_THREADS_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "benchmarks/workloads/workload.h"

namespace workloads {

class Barrier {
 public:
  explicit Barrier(int count) {
    pthread_barrier_init(&barrier_, nullptr, static_cast<unsigned>(count));
  }
  ~Barrier() { pthread_barrier_destroy(&barrier_); }
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;
  void Wait() { pthread_barrier_wait(&barrier_); }

 private:
  pthread_barrier_t barrier_;
};

struct ThreadsResult {
  double seconds;  // From the moment that all threads are there.
  uint64_t checksum;
};

// Runs `body(index)`, which returns its checksum, on `count` threads.
template <typename Body>
ThreadsResult RunThreads(int count, Body body) {
  Barrier ready(count + 1);
  std::atomic<uint64_t> checksum{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      ready.Wait();
      checksum += body(i);
    });
  }
  // Before the wait: once it opens, the others may run at once and this thread last.
  const double start = Now();
  ready.Wait();
  for (std::thread& thread : threads) thread.join();
  return {Now() - start, checksum};
}

template <typename Body>
void TimeThreads(int count, Report& report, Body body) {
  const ThreadsResult result = RunThreads(count, body);
  report.AddSeconds(result.seconds);
  report.AddChecksum(result.checksum);
}

}  // namespace workloads

#endif  // BENCHMARKS_WORKLOADS_THREADS_H_
