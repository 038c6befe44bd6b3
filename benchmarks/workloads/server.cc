// Larson's server: every thread owns an array of live blocks, replaces random ones for a while,
// then hands the array to a new thread and ends. So blocks are often freed by another thread than
// the one that allocated them, and threads that hold memory end.

#include <array>
#include <future>
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
};

class Timed {
 public:
  void* New(size_t size, uint64_t id) {
    const uint64_t start = NowNanos();
    void* block = CheckedMalloc(size);
    malloc_.Add(NowNanos() - start);
    Stamp(block, size, id);
    return block;
  }

  uint64_t Free(void* block) {
    const uint64_t sum = CheckStamp(block);
    const uint64_t start = NowNanos();
    std::free(block);
    free_.Add(NowNanos() - start);
    return sum;
  }

  void AddTo(Report& report) const { report.AddLatencies(malloc_, free_); }

 private:
  LatencyHistogram malloc_;
  LatencyHistogram free_;
};

// The connections of one chain of threads.
template <typename Calls>
class Connections {
 public:
  explicit Connections(uint64_t index)
      : blocks_(kLivePerThread), random_(index + 1), id_(index << 24) {
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

template <typename Calls>
void ServeInGenerations(Connections<Calls>& connections, uint64_t generations, uint64_t requests,
                        std::promise<uint64_t>& closed) {
  connections.Serve(requests);
  if (generations == 1) return closed.set_value(connections.Close());
  std::thread([&connections, generations, requests, &closed] {
    ServeInGenerations(connections, generations - 1, requests, closed);
  }).detach();
}

template <typename Calls>
void Serve(uint64_t total, Report& report, std::vector<std::unique_ptr<Connections<Calls>>>& all) {
  const uint64_t requests = total / kGenerations / all.size();
  TimeThreads(static_cast<int>(all.size()), report, [&](int index) {
    auto& connections = all[static_cast<size_t>(index)];
    connections = std::make_unique<Connections<Calls>>(static_cast<uint64_t>(index));
    std::promise<uint64_t> closed;
    ServeInGenerations(*connections, kGenerations, requests, closed);
    return closed.get_future().get();
  });
  report.AddOperations(requests * kGenerations * all.size());
}

}  // namespace

void Larson(const Options& options, Report& report) {
  std::vector<std::unique_ptr<Connections<Plain>>> all(static_cast<size_t>(options.ThreadCount()));
  Serve(options.Scaled(12000000), report, all);
}

void ServerLatency(const Options& options, Report& report) {
  std::vector<std::unique_ptr<Connections<Timed>>> all(static_cast<size_t>(options.ThreadCount()));
  Serve(options.Scaled(4000000), report, all);
  for (const auto& connections : all) connections->calls().AddTo(report);
}

}  // namespace workloads
