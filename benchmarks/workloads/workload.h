// What a workload is given (Options), what it hands back (Report), and the list of all of them.

#ifndef BENCHMARKS_WORKLOADS_WORKLOAD_H_
#define BENCHMARKS_WORKLOADS_WORKLOAD_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "benchmarks/workloads/latency.h"
#include "benchmarks/workloads/process.h"

namespace workloads {

struct Options {
  double scale = 1.0;  // Multiplies how often things are done, not how much is live.
  int threads = 0;     // 0: what the workload does by default.
  uint64_t live = 0;   // Live blocks, for the workloads that scale with them; 0: the default.
  bool idle = false;   // Afterwards, idle for two seconds and call malloc once.
  std::string trace;   // The file to replay, for `replay`.

  uint64_t Scaled(uint64_t count) const {
    return std::max<uint64_t>(1, static_cast<uint64_t>(static_cast<double>(count) * scale));
  }
  // As many threads as cores, but at least two: with one there is nothing to exchange.
  int ThreadCount() const { return threads > 0 ? threads : std::max(2, CoreCount()); }
};

struct Sample {
  double seconds;  // Since the first sample.
  size_t live;     // Bytes that the program has asked for and not yet freed.
  size_t resident;
};

class Report {
 public:
  // Around what is measured; may be repeated, and then adds up.
  void Start() { started_ = Now(); }
  void Stop() { seconds_ += Now() - started_; }
  void AddSeconds(double seconds) { seconds_ += seconds; }

  void AddOperations(uint64_t count) { operations_ += count; }
  void AddChecksum(uint64_t sum) { checksum_ += sum; }

  // Notes live bytes against resident ones, for the curves of memory over time.
  void AddSample(size_t live);
  void AddLatencies(const Latencies& latencies) { latencies_.Merge(latencies); }

  // Counts the process's mappings, which is not for the timed part: a line of text for each. The
  // most of all counts is what is printed, so that the call belongs where much is live.
  void NoteMappings();
  // The same where that is in the midst of what is measured.
  void PauseAndNoteMappings();

  // After everything was freed: sleeps, calls malloc once, and notes what is still resident.
  void MeasureIdle();

  void PrintJson(const char* name) const;

 private:
  static constexpr size_t kMaxSamples = 1000;

  double started_ = 0;
  double seconds_ = 0;
  uint64_t operations_ = 0;
  uint64_t checksum_ = 0;
  size_t idle_rss_ = 0;
  size_t mappings_ = 0;
  double first_sample_ = 0;
  size_t sample_count_ = 0;
  Sample samples_[kMaxSamples];
  Latencies latencies_;
};

struct Workload {
  const char* name;
  const char* what;
  void (*run)(const Options&, Report&);
};

// Each in the file of its family.
void Pair(const Options&, Report&);
void BatchFifo(const Options&, Report&);
void BatchLifo(const Options&, Report&);
void BatchRandom(const Options&, Report&);
void RandomSmallHeap(const Options&, Report&);
void RandomLargeHeap(const Options&, Report&);
void ColdHeap(const Options&, Report&);
void ScaleLive(const Options&, Report&);
void ScaleThreads(const Options&, Report&);
void Scale33K300K(const Options&, Report&);
void Scale300K2M(const Options&, Report&);
void Larson(const Options&, Report&);
void ServerLatency(const Options&, Report&);
void ProducerConsumer11(const Options&, Report&);
void ProducerConsumer1N(const Options&, Report&);
void ProducerConsumerN1(const Options&, Report&);
void ProducerConsumerLarge(const Options&, Report&);
void RemoteFree(const Options&, Report&);
void RemoteFreeShuffled(const Options&, Report&);
void RemoteCycle(const Options&, Report&);
void FalseSharingPassive(const Options&, Report&);
void FalseSharingActive(const Options&, Report&);
void ReallocGrowth(const Options&, Report&);
void ReallocStrings(const Options&, Report&);
void MediumWritten(const Options&, Report&);
void LargeTurns(const Options&, Report&);
void Calloc1K1M(const Options&, Report&);
void Fragmentation(const Options&, Report&);
void Phases(const Options&, Report&);
void ThreadChurn(const Options&, Report&);
void IdleMemory(const Options&, Report&);
void Replay(const Options&, Report&);
void TouchMemory(const Options&, Report&);

}  // namespace workloads

#endif  // BENCHMARKS_WORKLOADS_WORKLOAD_H_
