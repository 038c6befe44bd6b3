#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "benchmarks/workloads/block.h"
#include "benchmarks/workloads/workload.h"

namespace workloads {
namespace {

#ifdef __OPTIMIZE__
constexpr bool kOptimized = true;
#else
constexpr bool kOptimized = false;
#endif

constexpr double kIdleSeconds = 2.0;
constexpr double kIdleSampleSeconds = 0.1;

void PrintLatency(const char* name, const LatencyHistogram& h) {
  std::printf("\"%s\":{\"p50\":%" PRIu64 ",\"p90\":%" PRIu64 ",\"p99\":%" PRIu64
              ",\"p99.9\":%" PRIu64 ",\"p99.99\":%" PRIu64 ",\"max\":%" PRIu64 "}",
              name, h.Percentile(0.5), h.Percentile(0.9), h.Percentile(0.99), h.Percentile(0.999),
              h.Percentile(0.9999), h.max());
}

}  // namespace

void Report::AddSample(size_t live) {
  if (sample_count_ == kMaxSamples) return;
  const double now = Now();
  if (sample_count_ == 0) first_sample_ = now;
  samples_[sample_count_++] = {now - first_sample_, live, ResidentBytes()};
}

void Report::NoteMappings() { mappings_ = std::max(mappings_, MappingCount()); }

void Report::PauseAndNoteMappings() {
  Stop();
  NoteMappings();
  Start();
}

void Report::MeasureIdle() {
  const double end = Now() + kIdleSeconds;
  AddSample(0);
  while (Now() < end) {
    SleepSeconds(kIdleSampleSeconds);
    AddSample(0);
  }
  // Some allocators look at the clock only when called.
  void* block = CheckedMalloc(64);
  idle_rss_ = ResidentBytes();
  std::free(block);
  AddSample(0);
}

void Report::PrintJson(const char* name) const {
  // Taken before the printing, which may allocate.
  const size_t peak = PeakResidentBytes();
  const size_t mappings = std::max(mappings_, MappingCount());
  const Usage usage = ResourceUsage();
  std::printf("{\"workload\":\"%s\",\"operations\":%" PRIu64 ",\"seconds\":%.9f,", name,
              operations_, seconds_);
  std::printf("\"cpu_seconds\":%.6f,\"checksum\":\"%016" PRIx64 "\",", usage.cpu_seconds,
              checksum_);
  std::printf("\"peak_rss\":%zu,\"mappings\":%zu,", peak, mappings);
  std::printf("\"minor_faults\":%" PRIu64 ",\"major_faults\":%" PRIu64 ",", usage.minor_faults,
              usage.major_faults);
  if (idle_rss_ != 0) std::printf("\"idle_rss\":%zu,", idle_rss_);
  if (sample_count_ != 0) {
    std::printf("\"samples\":[");
    for (size_t i = 0; i < sample_count_; ++i) {
      std::printf("%s[%.4f,%zu,%zu]", i == 0 ? "" : ",", samples_[i].seconds, samples_[i].live,
                  samples_[i].resident);
    }
    std::printf("],");
  }
  if (!latencies_.malloc.empty()) {
    std::printf("\"latency_ns\":{");
    PrintLatency("malloc", latencies_.malloc);
    std::printf(",");
    PrintLatency("free", latencies_.free);
    std::printf(",");
    PrintLatency("clock", latencies_.clock);
    std::printf("},");
  }
  std::printf("\"optimized\":%s,", kOptimized ? "true" : "false");
  std::printf("\"malloc_from\":\"%s\"}\n", MallocLibrary().c_str());
}

}  // namespace workloads
