// Larson's server: every thread owns an array of live blocks, replaces random ones for a while,
// then hands the array to a new thread and ends. So blocks are often freed by another thread than
// the one that allocated them, and threads that hold memory end.

#include <memory>
#include <vector>

#include "benchmarks/workloads/block.h"
#include "benchmarks/workloads/threads.h"
#include "benchmarks/workloads/workload.h"

namespace workloads {
namespace {

constexpr size_t kLivePerThread = 4096;
constexpr uint64_t kGenerations = 40;

// How a request's malloc and free are done: plainly, or timed.
struct Plain {
  static void* New(size_t size, uint64_t id) { return NewBlock(size, id); }
  static uint64_t Free(void* block) { return FreeBlock(block); }
  static void AddTo(Report&) {}
};

class Timed {
 public:
  void* New(size_t size, uint64_t id) {
    const uint64_t start = NowNanos();
    void* block = CheckedMalloc(size);
    latencies_.malloc.Add(NowNanos() - start);
    TimeNothing();
    Stamp(block, size, id);
    return block;
  }

  uint64_t Free(void* block) {
    const uint64_t sum = CheckStamp(block);
    const uint64_t start = NowNanos();
    std::free(block);
    latencies_.free.Add(NowNanos() - start);
    return sum;
  }

  void AddTo(Report& report) const { report.AddLatencies(latencies_); }

 private:
  void TimeNothing() {
    const uint64_t start = NowNanos();
    latencies_.clock.Add(NowNanos() - start);
  }

  Latencies latencies_;
};

// The connections of one chain of threads. Aligned, so that no chain shares a cache line with
// another.
template <typename Calls>
class alignas(128) Connections {
 public:
  explicit Connections(uint64_t index)
      : blocks_(kLivePerThread), random_(index + 1), id_(index << 24) {}

  void Open() {
    for (void*& block : blocks_) block = calls_.New(PickSize(), ++id_);
  }

  void Serve(uint64_t requests) {
    for (uint64_t i = 0; i < requests; ++i) {
      void*& block = blocks_[random_.Below(kLivePerThread)];
      sum_ += calls_.Free(block);
      block = calls_.New(PickSize(), ++id_);
    }
  }

  uint64_t Close() {
    for (void*& block : blocks_) sum_ += calls_.Free(block);
    return sum_;
  }

  const Calls& calls() const { return calls_; }

 private:
  size_t PickSize() { return random_.Between(16, 1024); }

  MappedArray<void*> blocks_;
  Random random_;
  uint64_t id_;
  uint64_t sum_ = 0;
  Calls calls_;
};

// One thread after the other: each takes over what the last one left.
template <typename Calls>
void ServeInGenerations(Connections<Calls>& connections, uint64_t requests) {
  std::thread([&] { connections.Open(); }).join();
  for (uint64_t generation = 0; generation < kGenerations; ++generation) {
    std::thread([&] { connections.Serve(requests); }).join();
  }
}

template <typename Calls>
void Server(uint64_t total, const Options& options, Report& report) {
  std::vector<std::unique_ptr<Connections<Calls>>> all;
  for (int i = 0; i < options.ThreadCount(); ++i) {
    all.push_back(std::make_unique<Connections<Calls>>(static_cast<uint64_t>(i)));
  }
  const uint64_t requests = total / kGenerations / all.size();
  TimeThreads(options.ThreadCount(), report, [&](int index) {
    ServeInGenerations(*all[static_cast<size_t>(index)], requests);
    return uint64_t{0};
  });
  report.NoteMappings();
  for (const auto& connections : all) report.AddChecksum(connections->Close());
  for (const auto& connections : all) connections->calls().AddTo(report);
  report.AddOperations(requests * kGenerations * all.size());
}

}  // namespace

void Larson(const Options& options, Report& report) {
  Server<Plain>(options.Scaled(12000000), options, report);
}

void ServerLatency(const Options& options, Report& report) {
  Server<Timed>(options.Scaled(4000000), options, report);
}

}  // namespace workloads
