// Lifetimes that differ: what is left behind keeps memory from being used for what comes next. Both
// workloads note live against resident bytes as they go.

#include "benchmarks/workloads/block.h"
#include "benchmarks/workloads/workload.h"

namespace workloads {
namespace {

// Blocks that are replaced at random; knows how many bytes of them are live.
class LiveSet {
 public:
  explicit LiveSet(size_t size) : blocks_(size), sizes_(size) {}

  void Replace(size_t at, size_t size, uint64_t id) {
    Drop(at);
    blocks_[at] = NewBlock(size, id);
    sizes_[at] = static_cast<uint32_t>(size);
    live_bytes_ += size;
  }

  void Drop(size_t at) {
    if (blocks_[at] == nullptr) return;
    sum_ += FreeBlock(blocks_[at]);
    blocks_[at] = nullptr;
    live_bytes_ -= sizes_[at];
  }

  void DropAll() {
    for (size_t i = 0; i < size(); ++i) Drop(i);
  }

  size_t size() const { return blocks_.size(); }
  size_t live_bytes() const { return live_bytes_; }
  uint64_t sum() const { return sum_; }

 private:
  MappedArray<void*> blocks_;
  MappedArray<uint32_t> sizes_;
  size_t live_bytes_ = 0;
  uint64_t sum_ = 0;
};

struct SizeRange {
  size_t low;
  size_t high;
};

}  // namespace

// Of every hundred blocks, 90 live for a moment, 9 for a while, 1 for long; and every phase of the
// program has sizes of its own, so that the long-lived of one phase lie in the way of the next.
void Fragmentation(const Options& options, Report& report) {
  constexpr SizeRange kPhases[] = {{16, 64},   {200, 700},   {40, 130}, {1000, 5000},
                                   {100, 300}, {3000, 9000}, {16, 512}, {500, 2500}};
  const uint64_t per_phase = options.Scaled(600000);
  LiveSet moment(1000);
  LiveSet a_while(20000);
  LiveSet for_long(60000);
  Random random(1);
  uint64_t id = 0;
  report.Start();
  for (const SizeRange& sizes : kPhases) {
    for (uint64_t i = 0; i < per_phase; ++i) {
      const uint64_t percent = random.Below(100);
      LiveSet& set = percent < 90 ? moment : percent < 99 ? a_while : for_long;
      set.Replace(random.Below(set.size()), random.Between(sizes.low, sizes.high), ++id);
      if (i % (per_phase / 25 + 1) == 0) {
        report.AddSample(moment.live_bytes() + a_while.live_bytes() + for_long.live_bytes());
      }
    }
  }
  report.PauseAndNoteMappings();
  for (LiveSet* set : {&moment, &a_while, &for_long}) set->DropAll();
  report.AddSample(0);
  report.Stop();
  for (const LiveSet* set : {&moment, &a_while, &for_long}) report.AddChecksum(set->sum());
  report.AddOperations(id);
}

// Each phase fills the same number of bytes with blocks of its own size, and leaves one block in
// ten of them to the next phase.
void Phases(const Options& options, Report& report) {
  constexpr size_t kSizes[] = {32, 100, 48, 500, 20, 1500, 64, 6000, 200, 24};
  constexpr size_t kPhaseBytes = 48 << 20;
  constexpr size_t kSurvivors = 10;
  const size_t bytes = options.Scaled(kPhaseBytes);
  LiveSet blocks(kPhaseBytes / 16);
  Random random(1);
  uint64_t id = 0;
  report.Start();
  for (size_t size : kSizes) {
    const size_t count = bytes / size;
    for (size_t i = 0; i < count; ++i) blocks.Replace(i, size, ++id);
    report.AddSample(blocks.live_bytes());
    report.PauseAndNoteMappings();
    for (size_t i = 0; i < count; ++i) {
      if (random.Below(kSurvivors) != 0) blocks.Drop(i);
    }
    report.AddSample(blocks.live_bytes());
  }
  blocks.DropAll();
  report.AddSample(0);
  report.Stop();
  report.AddChecksum(blocks.sum());
  report.AddOperations(id);
}

}  // namespace workloads
