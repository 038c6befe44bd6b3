#include "tests/soak/worker.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

#include "mymalloc/report/verify.h"
#include "tests/robust/plugin.h"
#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/checked_block.h"
#include "tests/support/child.h"

namespace mymalloc::test {
namespace {

constexpr size_t kSlots = 6000;
constexpr int kThreads = 3;
constexpr int kOperations = 15000;  // of a thread in a round
constexpr size_t kMostLive = 48 * kMiB;
constexpr size_t kLeak = 4 * kMiB;  // each round

// The live blocks of a process: whoever takes one out owns it, whoever allocated it.
class Table {
 public:
  CheckedBlock* Take(uint64_t random) {
    CheckedBlock* const block = slots_[random % kSlots].exchange(nullptr);
    if (block != nullptr) live_ -= block->size;
    return block;
  }
  void Put(uint64_t random, CheckedBlock* block) {
    if (block == nullptr) return;
    live_ += block->size;
    CheckedBlock* const before = slots_[random % kSlots].exchange(block);
    if (before != nullptr) live_ -= before->size;
    FreeChecked(before);
  }
  bool Full() const { return live_ > kMostLive; }

  // With no thread at work.
  void CheckAll() const {
    for (const auto& slot : slots_) {
      const CheckedBlock* const block = slot;
      MYMALLOC_CHECK(block == nullptr || IsIntact(*block));
    }
  }
  void FreeAll() {
    for (size_t i = 0; i < kSlots; ++i) FreeChecked(Take(i));
  }

 private:
  std::array<std::atomic<CheckedBlock*>, kSlots> slots_{};
  std::atomic<size_t> live_{0};
};

// Mostly small, one in some hundreds large.
size_t RandomSize(uint64_t random) {
  const uint64_t kind = random >> 8 & 1023;
  return SpreadSize(random, kind < 2 ? 2 * kMiB : kind < 16 ? 200 * kKiB : kind < 200 ? 8192 : 512);
}

CheckedBlock* Resized(CheckedBlock* block, size_t size, uint64_t seed) {
  MYMALLOC_CHECK(IsIntact(*block));
  const size_t before = block->size;
  auto* const moved = static_cast<CheckedBlock*>(realloc(block, size));
  MYMALLOC_CHECK(moved != nullptr && (size < before || IsIntact(*moved)));
  return MakeChecked(moved, size, seed);
}

CheckedBlock* NewSomehow(uint64_t random) {
  const size_t size = RandomSize(random);
  if (random % 16 == 0) {
    void* const zeroed = calloc(1, size);
    MYMALLOC_CHECK(zeroed != nullptr && IsZero(zeroed, size));
    return MakeChecked(zeroed, size, random);
  }
  if (random % 16 == 1) {
    const size_t alignment = size_t{32} << (random >> 40) % 8;
    void* const aligned = aligned_alloc(alignment, size);
    MYMALLOC_CHECK(aligned != nullptr && IsAligned(aligned, alignment));
    return MakeChecked(aligned, size, random);
  }
  return NewChecked(size, random);
}

void Operate(Table* table, uint64_t seed, int operations) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < operations; ++i) {
    const uint64_t where = random();
    const uint64_t choice = random() % 100;
    if (choice < 45 || table->Full()) {
      FreeChecked(table->Take(where));
    } else if (choice < 60) {
      CheckedBlock* const block = table->Take(where);
      if (block != nullptr) table->Put(where, Resized(block, RandomSize(random()), random()));
    } else {
      table->Put(where, NewSomehow(random()));
    }
  }
}

void ChurnThreads(Table* table, uint64_t seed) {
  for (uint64_t i = 0; i < 20; ++i) std::thread(Operate, table, seed + i, 20).join();
}

// The child has the blocks without having the threads.
void ForkChild(Table* table, uint64_t seed) {
  InChild([table, seed] {
    Operate(table, seed, 200);
    std::thread(Operate, table, seed + 1, 200).join();
  });
}

void UsePlugin(const std::string& path) {
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  MYMALLOC_CHECK(library != nullptr);
  const Plugin* const plugin =
      reinterpret_cast<GetPluginFunction*>(dlsym(library, kPluginSymbol))();
  free(plugin->resize(plugin->allocate(100), 100000));
  plugin->release(malloc(5000));
  plugin->delete_text(plugin->new_text(300));
  MYMALLOC_CHECK(dlclose(library) == 0);
}

void MisuseInChild(const std::string& self) {
  const pid_t child = vfork();
  if (child == 0) {
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    char* const arguments[] = {const_cast<char*>(self.c_str()), const_cast<char*>("--misuse"),
                               nullptr};
    char warn[] = "MYMALLOC_ON_ERROR=warn";
    char* const environment[] = {warn, nullptr};
    execve(self.c_str(), arguments, environment);
    _exit(127);
  }
  AwaitChild(child);
}

// Threads at work on the table, and meanwhile what else a process does.
void RunRound(const WorkerPlan& plan, Table* table, uint64_t seed, int round) {
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < kThreads; ++i) {
    threads.emplace_back(Operate, table, seed + 1000 * i, kOperations);
  }
  ChurnThreads(table, seed);
  ForkChild(table, seed);
  UsePlugin(plan.plugin);
  malloc_trim(0);
  if (round % 8 == 0) MisuseInChild(plan.self);
  if (plan.leak) FillPattern(Opaque(malloc(kLeak)), kLeak, seed);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

void RunWorker(const WorkerPlan& plan) {
  static Table table;
  std::mt19937_64 random(plan.seed);
  for (int round = 0; std::chrono::steady_clock::now() < plan.end; ++round) {
    RunRound(plan, &table, random(), round);
    table.CheckAll();
    const char* const wrong = VerifyHeap();
    if (wrong != nullptr) CheckFailed("VerifyHeap", wrong);
    // Sometimes all is freed, and it starts anew.
    if (round % 16 == 15) table.FreeAll();
  }
  table.FreeAll();
  const char* const wrong = VerifyHeap();
  if (wrong != nullptr) CheckFailed("VerifyHeap at the end", wrong);
}

void Misuse() {
  constexpr size_t kSizes[] = {24, 400, 9000, 300000};
  for (const size_t size : kSizes) {
    for (int i = 0; i < 20; ++i) {
      char* const block = Opaque(static_cast<char*>(malloc(size)));
      char* const other = Opaque(static_cast<char*>(malloc(size)));
      free(Opaque(other + 16));
      free(Opaque(block));
      free(Opaque(block));
      MYMALLOC_CHECK(realloc(Opaque(block), 100) == nullptr);
      free(Opaque(other));
      int on_the_stack = 0;
      free(Opaque<void*>(&on_the_stack));
    }
  }
  const char* const wrong = VerifyHeap();
  if (wrong != nullptr) CheckFailed("VerifyHeap after misuse", wrong);
}

}  // namespace mymalloc::test
