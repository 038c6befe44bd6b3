// The whole engine against a model: threads that come and go do millions of random operations
// through the API, on their own blocks and each other's. Between the rounds, with no thread at
// work, the model's blocks, the heap's statistics and the heap's own structure must agree.

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "mymalloc/base/options.h"
#include "mymalloc/base/units.h"
#include "mymalloc/heap/heap.h"
#include "mymalloc/mymalloc.h"
#include "mymalloc/process/janitor.h"
#include "mymalloc/process/registry.h"
#include "tests/stress/accounts.h"
#include "tests/stress/shadow.h"

namespace mymalloc::test {
namespace {

#if defined(MYMALLOC_SANITIZED)
constexpr int kOperations = 12000;  // of a thread in a round
constexpr int kRounds = 6;
#else
constexpr int kOperations = 60000;
constexpr int kRounds = 12;
#endif
constexpr unsigned kThreads = 4;
constexpr size_t kMostLive = 3000;  // of a thread

// Blocks on their way to another thread.
class Queue {
 public:
  void Send(const Shadow& block) {
    const std::lock_guard<std::mutex> guard(mutex_);
    blocks_.push_back(block);
  }
  std::vector<Shadow> TakeAll() {
    const std::lock_guard<std::mutex> guard(mutex_);
    return std::exchange(blocks_, {});
  }
  const std::vector<Shadow>& blocks() const { return blocks_; }  // with no thread at work

 private:
  std::mutex mutex_;
  std::vector<Shadow> blocks_;
};

using Queues = std::array<Queue, kThreads>;

class Worker {
 public:
  Worker(uint64_t seed, unsigned self, Queues* queues)
      : random_(seed), self_(self), queues_(queues) {}

  void Work() {
    for (int i = 0; i < kOperations; ++i) {
      // In turn more and fewer blocks, so that pages fill and empty.
      const bool filling = i / 5000 % 2 == 0;
      const bool grow = live_.empty() || random_() % 100 < (filling ? 60 : 40);
      if (grow && live_.size() < kMostLive) {
        Allocate(random_() % 100);
      } else {
        PickLast();
        Change(random_() % 100);
      }
      if (i % 64 == 0) FreeReceived();
    }
  }

  const std::vector<Shadow>& live() const { return live_; }
  void FreeAll() {
    while (!live_.empty()) FreeLast();
  }

 private:
  // Mostly small; the logarithm is spread evenly up to 64 KiB, now and then up to 4 MiB.
  size_t RandomSize() {
    const unsigned bits = random_() % 256 == 0 ? 22 : random_() % 8 == 0 ? 16 : 9;
    return random_() & ((size_t{1} << random_() % (bits + 1)) - 1);
  }

  void Allocate(uint64_t choice) {
    if (choice < 60) {
      const size_t n = RandomSize();
      Add(mymalloc_malloc(n), n);
    } else if (choice < 80) {
      AddZeroed();
    } else {
      AddAligned();
    }
  }
  void Change(uint64_t choice) {
    if (choice < 50) {
      FreeLast();
    } else if (choice < 75) {
      Resize();
    } else if (choice < 99) {
      live_.back().CheckContents();
      (*queues_)[random_() % kThreads].Send(live_.back());
      live_.pop_back();
    } else if (random_() % 16 == 0) {
      mymalloc_malloc_trim(0);
    } else {
      FreeMany();
    }
  }

  void Add(void* block, size_t size, size_t alignment = kBlockAlignment) {
    live_.emplace_back(block, size, alignment, random_());
  }
  void AddZeroed() {
    const size_t n = RandomSize() / 8 * 8;
    void* const block = mymalloc_calloc(n / 8, 8);
    MYMALLOC_CHECK(IsZero(block, n));
    Add(block, n);
  }
  void AddAligned() {
    const size_t alignment = size_t{16} << random_() % (random_() % 32 == 0 ? 14 : 9);
    const size_t n = RandomSize();
    void* block = nullptr;
    if (random_() % 2 == 0) {
      MYMALLOC_CHECK(mymalloc_posix_memalign(&block, alignment, n) == 0);
    } else {
      block = mymalloc_memalign(alignment, n);
    }
    Add(block, n, alignment);
  }

  // Brings a random block to the end: sometimes one of the newest, sometimes any.
  void PickLast() {
    const size_t among = random_() % 2 == 0 ? std::min<size_t>(live_.size(), 16) : live_.size();
    std::swap(live_[live_.size() - 1 - random_() % among], live_.back());
  }
  void FreeLast() {
    live_.back().CheckContents();
    mymalloc_free(live_.back().block());
    live_.pop_back();
  }
  void Resize() {
    const Shadow before = live_.back();
    before.CheckContents();
    live_.pop_back();
    const size_t usable = before.usable();
    const bool grow = usable < kLargestMedium && random_() % 2 == 0;
    const size_t n = grow ? usable + 1 + random_() % (usable + 1) : 1 + RandomSize();
    void* const block = mymalloc_realloc(before.block(), n);
    MYMALLOC_CHECK(block != nullptr);
    before.CheckMovedTo(block, n);
    Add(block, n);
  }
  void FreeMany() {
    for (int i = 0; i < 500 && !live_.empty(); ++i) FreeLast();
  }
  void FreeReceived() {
    for (const Shadow& block : (*queues_)[self_].TakeAll()) {
      block.CheckContents();
      mymalloc_free(block.block());
    }
  }

  std::mt19937_64 random_;
  unsigned self_;
  Queues* queues_;
  std::vector<Shadow> live_;
};

// Passes of the janitor beside the threads' work, by an ordinary thread.
class BusyJanitor {
 public:
  BusyJanitor() : thread_([this] { Run(); }) {}
  ~BusyJanitor() {
    stop_ = true;
    thread_.join();
  }
  BusyJanitor(const BusyJanitor&) = delete;
  BusyJanitor& operator=(const BusyJanitor&) = delete;

 private:
  void Run() {
    for (int i = 0; !stop_; ++i) {
      g_janitor.Pass(/*all=*/i % 8 == 0);
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
  }

  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class ModelTest : public testing::Test {
 protected:
  ModelTest() {
    for (unsigned i = 0; i < kThreads; ++i) workers_.emplace_back(100 + i, i, &queues_);
  }

  // New threads each time: they take over the heaps of those before.
  void RunThreads() {
    const BusyJanitor janitor;
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (Worker& worker : workers_) threads.emplace_back([&worker] { worker.Work(); });
    for (std::thread& thread : threads) thread.join();
  }

  std::vector<Shadow> AllBlocks() const {
    std::vector<Shadow> all;
    for (const Worker& worker : workers_) {
      all.insert(all.end(), worker.live().begin(), worker.live().end());
    }
    for (const Queue& queue : queues_) {
      all.insert(all.end(), queue.blocks().begin(), queue.blocks().end());
    }
    return all;
  }

  void CheckAll() const { EXPECT_EQ(FindWrong(AllBlocks()), ""); }

  Queues queues_;
  std::vector<Worker> workers_;
};

// Slots of all runs but the first.
size_t RunTails() {
  size_t slots = 0;
  for (HeapId id = kFirstHeap; id <= g_registry.HighestId(); ++id) {
    Heap* const heap = g_heaps[id];
    LockHolder holder(heap->lock());
    slots += heap->run_tails();
  }
  return slots;
}

TEST_F(ModelTest, TheEngineDoesAsTheModelSays) {
  size_t most_tails = 0;
  CheckAll();
  for (int round = 0; round < kRounds && !HasFailure(); ++round) {
    SCOPED_TRACE(round);
    RunThreads();
    CheckAll();
    most_tails = std::max(most_tails, RunTails());
    if (round % 3 == 2) {
      mymalloc_malloc_trim(0);
      CheckAll();
    }
  }
  for (Queue& queue : queues_) {
    for (const Shadow& block : queue.TakeAll()) mymalloc_free(block.block());
  }
  for (Worker& worker : workers_) worker.FreeAll();
  CheckAll();
  mymalloc_malloc_trim(0);
  EXPECT_EQ(mymalloc_mallinfo2().keepcost, 0u);
#if !defined(MYMALLOC_SANITIZED)  // too short a run for that to be sure
  // Where what is freed is held back there are none.
  const bool has_runs = !g_options.guard_pages && g_options.quarantine.value == 0;
  EXPECT_EQ(most_tails != 0, has_runs) << most_tails << " slots of runs but the first";
#endif
}

// The same runs in each mode, as its target's environment says.
TEST(ModelModeTest, IsTheOneThatIsMeant) {
  const std::string options = getenv("MYMALLOC_OPTIONS");
  EXPECT_EQ(g_options.checked, options == "checked=1");
  EXPECT_EQ(g_options.harden, options == "harden=1");
}

}  // namespace
}  // namespace mymalloc::test
