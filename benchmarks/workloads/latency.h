// A histogram of durations: 16 buckets per power of two, so a percentile is off by 6% at most.

#ifndef BENCHMARKS_WORKLOADS_LATENCY_H_
#define BENCHMARKS_WORKLOADS_LATENCY_H_

#include <time.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace workloads {

// Nanoseconds of the monotonic clock: a call of the vDSO, some 25 ns, equal for all allocators.
inline uint64_t NowNanos() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1000000000 + static_cast<uint64_t>(t.tv_nsec);
}

class LatencyHistogram {
 public:
  void Add(uint64_t nanos) {
    ++counts_[Bucket(nanos)];
    ++total_;
    max_ = std::max(max_, nanos);
  }

  void Merge(const LatencyHistogram& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
    max_ = std::max(max_, other.max_);
  }

  // The duration that `fraction` of all stay below.
  uint64_t Percentile(double fraction) const {
    const auto wanted = static_cast<uint64_t>(fraction * static_cast<double>(total_));
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > wanted) return std::min(UpperEnd(i), max_);
    }
    return max_;
  }

  uint64_t max() const { return max_; }
  bool empty() const { return total_ == 0; }

 private:
  static constexpr int kSubBits = 4;
  static constexpr uint64_t kSub = 1 << kSubBits;

  static size_t Bucket(uint64_t nanos) {
    if (nanos < kSub) return static_cast<size_t>(nanos);
    const int shift = 63 - __builtin_clzll(nanos) - kSubBits;
    return static_cast<size_t>((static_cast<uint64_t>(shift) << kSubBits) + (nanos >> shift));
  }

  static uint64_t UpperEnd(size_t bucket) {
    if (bucket < 2 * kSub) return bucket;
    const uint64_t shift = (bucket >> kSubBits) - 1;
    return (((bucket & (kSub - 1)) + kSub + 1) << shift) - 1;
  }

  std::array<uint64_t, (64 - kSubBits + 1) * kSub> counts_{};
  uint64_t total_ = 0;
  uint64_t max_ = 0;
};

// Of the calls that a workload times one by one.
struct Latencies {
  LatencyHistogram malloc;
  LatencyHistogram free;
  LatencyHistogram clock;  // Of nothing, measured as the others are: what the clock itself takes.

  void Merge(const Latencies& other) {
    malloc.Merge(other.malloc);
    free.Merge(other.free);
    clock.Merge(other.clock);
  }
};

}  // namespace workloads

#endif  // BENCHMARKS_WORKLOADS_LATENCY_H_
