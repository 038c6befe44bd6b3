// Replays a trace of a real program (see tools/trace/pack.py for its form). Each recorded thread is
// one, and does its own events in their order; one that needs another's block waits until that is
// there. So what is done is the same in every run, and only who is how far is left to the
// scheduler.

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <vector>

#include "benchmarks/workloads/block.h"
#include "benchmarks/workloads/threads.h"
#include "benchmarks/workloads/workload.h"

namespace workloads {
namespace {

constexpr char kMagic[] = "MTRACE1\n";
constexpr size_t kMagicSize = sizeof(kMagic) - 1;
constexpr int kExitBadTrace = 5;
constexpr size_t kOsPage = 4096;

enum Op : uint64_t { kMalloc, kCalloc, kRealloc, kFree, kAligned };

// Reads varints off a trace.
class Cursor {
 public:
  Cursor() = default;
  Cursor(const uint8_t* at, const uint8_t* end) : at_(at), end_(end) {}

  uint64_t Next() {
    uint64_t value = 0;
    for (int shift = 0; at_ < end_ && shift < 64; shift += 7) {
      const uint8_t byte = *at_++;
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    Die(kExitBadTrace, "the trace is cut short");
  }

  int64_t NextSigned() {
    const uint64_t value = Next();
    const auto half = static_cast<int64_t>(value >> 1);
    return (value & 1) == 0 ? half : -half - 1;
  }

 private:
  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;
};

// Writes to every OS page of a block, as its program would have, and stamps it.
void Use(void* block, size_t size, uint64_t number) {
  for (size_t at = 0; at < size; at += kOsPage) static_cast<char*>(block)[at] = 1;
  if (size >= kMinBlockSize) Stamp(block, size, number);
}

class Trace {
 public:
  explicit Trace(const char* path) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about = {};
    if (fd < 0 || fstat(fd, &about) != 0) Die(kExitBadTrace, "cannot open the trace");
    const auto size = static_cast<size_t>(about.st_size);
    void* mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (mapped == MAP_FAILED || size < kMagicSize || std::memcmp(mapped, kMagic, kMagicSize) != 0) {
      Die(kExitBadTrace, "not a trace");
    }
    Parse(static_cast<const uint8_t*>(mapped) + kMagicSize,
          static_cast<const uint8_t*>(mapped) + size);
  }

  size_t threads() const { return starts_.size(); }
  uint64_t allocations() const { return allocations_; }
  uint64_t events() const { return events_; }
  Cursor At(size_t thread) const { return starts_[thread]; }

  static constexpr bool Allocates(uint64_t op) { return op != kFree; }
  static constexpr bool TakesOld(uint64_t op) { return op == kRealloc || op == kFree; }

 private:
  // Finds where each thread's events start.
  void Parse(const uint8_t* at, const uint8_t* end) {
    Cursor cursor(at, end);
    const uint64_t threads = cursor.Next();
    allocations_ = cursor.Next();
    for (uint64_t i = 0; i < threads; ++i) {
      starts_.push_back(cursor);
      const uint64_t events = cursor.Next();
      events_ += events;
      for (uint64_t event = 0; event < events; ++event) Skip(cursor);
    }
  }

  static void Skip(Cursor& cursor) {
    const uint64_t op = cursor.Next();
    if (op > kAligned) Die(kExitBadTrace, "the trace has an unknown event");
    const int numbers = TakesOld(op) + Allocates(op) * 2 + (op == kAligned);
    for (int i = 0; i < numbers; ++i) cursor.Next();
  }

  std::vector<Cursor> starts_;
  uint64_t allocations_ = 0;
  uint64_t events_ = 0;
};

struct Slot {
  std::atomic<void*> block;
  size_t size;
};

// One pass over the trace.
class Pass {
 public:
  explicit Pass(const Trace& trace) : trace_(trace), slots_(trace.allocations()) {}

  uint64_t RunThread(size_t thread) {
    Cursor cursor = trace_.At(thread);
    int64_t last = 0;
    uint64_t sum = 0;
    for (uint64_t left = cursor.Next(); left > 0; --left) {
      const uint64_t op = cursor.Next();
      Slot* old = Trace::TakesOld(op) ? &SlotAt(last - cursor.NextSigned()) : nullptr;
      if (op == kFree) {
        void* block = Take(*old);  // First: until it is there, its size is not.
        sum += Free(block, old->size);
        continue;
      }
      const uint64_t alignment = op == kAligned ? cursor.Next() : 0;
      const uint64_t size = cursor.Next();
      last += cursor.NextSigned();
      Put(last, Allocate(op, old, alignment, size), size);
    }
    return sum;
  }

  // What the program never freed.
  uint64_t FreeRest() {
    uint64_t sum = 0;
    for (Slot& slot : slots_) {
      if (void* block = slot.block.exchange(nullptr)) sum += Free(block, slot.size);
    }
    return sum;
  }

 private:
  Slot& SlotAt(int64_t number) {
    if (number < 0 || static_cast<uint64_t>(number) >= slots_.size()) {
      Die(kExitBadTrace, "the trace refers to a block that it does not have");
    }
    return slots_[static_cast<size_t>(number)];
  }

  static void* Allocate(uint64_t op, Slot* old, uint64_t alignment, size_t size) {
    void* block = nullptr;
    if (op == kMalloc) block = std::malloc(size);
    if (op == kCalloc) block = std::calloc(1, size);
    if (op == kAligned && posix_memalign(&block, alignment, size) != 0) block = nullptr;
    if (op == kRealloc) block = Reallocate(*old, size);
    if (block == nullptr) Die(kExitOutOfMemory, "out of memory");
    Escape(block);
    return block;
  }

  static void* Reallocate(Slot& old, size_t size) {
    void* before = Take(old);
    uint64_t kept = 0;
    const bool comparable = std::min(size, old.size) >= kMinBlockSize;
    if (comparable) std::memcpy(&kept, before, sizeof(kept));
    void* block = std::realloc(before, size);
    if (comparable && block != nullptr && std::memcmp(block, &kept, sizeof(kept)) != 0) {
      Die(kExitCorrupted, "realloc lost contents");
    }
    return block;
  }

  void Put(int64_t number, void* block, size_t size) {
    Slot& slot = SlotAt(number);
    Use(block, size, static_cast<uint64_t>(number));
    slot.size = size;
    slot.block.store(block, std::memory_order_release);
  }

  static void* Take(Slot& slot) {
    void* block;
    while ((block = slot.block.load(std::memory_order_acquire)) == nullptr) sched_yield();
    slot.block.store(nullptr, std::memory_order_relaxed);
    return block;
  }

  static uint64_t Free(void* block, size_t size) {
    const uint64_t sum = size >= kMinBlockSize ? CheckStamp(block) : 1;
    std::free(block);
    return sum;
  }

  const Trace& trace_;
  MappedArray<Slot> slots_;
};

}  // namespace

void Replay(const Options& options, Report& report) {
  const Trace trace(options.trace.c_str());
  // As many passes as make a few million events.
  const uint64_t passes = options.Scaled(8000000 / (trace.events() + 1) + 1);
  Pass pass(trace);
  for (uint64_t i = 0; i < passes; ++i) {
    TimeThreads(static_cast<int>(trace.threads()), report,
                [&](int thread) { return pass.RunThread(static_cast<size_t>(thread)); });
    if (i == 0) report.NoteMappings();
    report.AddChecksum(pass.FreeRest());
  }
  report.AddOperations(passes * trace.events());
}

}  // namespace workloads
