// Buffers that grow.

#include "benchmarks/workloads/block.h"
#include "benchmarks/workloads/workload.h"

namespace workloads {
namespace {

struct Buffer {
  char* data;
  size_t size;
};

char Expected(size_t offset) { return static_cast<char>(offset / 64 + 1); }

// Grows to `size`, writing every 64th byte of what is new.
void Grow(Buffer& buffer, size_t size) {
  auto* data = static_cast<char*>(std::realloc(buffer.data, size));
  if (data == nullptr) Die(kExitOutOfMemory, "out of memory");
  Escape(data);
  for (size_t i = (buffer.size + 63) / 64 * 64; i < size; i += 64) data[i] = Expected(i);
  buffer = {data, size};
}

uint64_t CheckAndFree(Buffer& buffer) {
  uint64_t sum = 0;
  for (size_t i = 0; i < buffer.size; i += 64) {
    if (buffer.data[i] != Expected(i)) Die(kExitCorrupted, "realloc lost contents");
    sum += static_cast<unsigned char>(buffer.data[i]);
  }
  std::free(buffer.data);
  buffer = {nullptr, 0};
  return sum;
}

}  // namespace

// Two buffers in turn, so that neither is always last on the heap.
void ReallocGrowth(const Options& options, Report& report) {
  constexpr size_t kFinal = 64 << 20;
  const uint64_t rounds = options.Scaled(2);
  report.Start();
  for (uint64_t round = 0; round < rounds; ++round) {
    Buffer buffers[2] = {};
    for (size_t size = 64; size < kFinal; size += size / 4) {
      for (Buffer& buffer : buffers) Grow(buffer, size);
      report.AddOperations(2);
    }
    report.PauseAndNoteMappings();
    for (Buffer& buffer : buffers) report.AddChecksum(CheckAndFree(buffer));
  }
  report.Stop();
}

void ReallocStrings(const Options& options, Report& report) {
  constexpr size_t kStrings = 1000;
  constexpr size_t kFinal = 4000;
  const uint64_t rounds = options.Scaled(60);
  MappedArray<Buffer> strings(kStrings);
  Random random(1);
  report.Start();
  for (uint64_t round = 0; round < rounds; ++round) {
    for (uint64_t i = 0; i < 100 * kStrings; ++i) {
      Buffer& string = strings[random.Below(kStrings)];
      if (string.size >= kFinal) report.AddChecksum(CheckAndFree(string));
      Grow(string, string.size + random.Between(1, 200));
      report.AddOperations(1);
    }
  }
  report.PauseAndNoteMappings();
  for (Buffer& string : strings) report.AddChecksum(CheckAndFree(string));
  report.Stop();
}

}  // namespace workloads
