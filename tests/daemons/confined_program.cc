// confined_program WORK VERDICT: uses the heap with no other system calls than glibc's malloc
// needs. Exits with 0 if the heap worked.
//
// WORK     alone           one thread
//          beside_threads  threads made before, some that have allocated and some that have not;
//          they
//                          go on after the filter is there, and free each other's blocks
//          ending_threads  the same, and the threads end
//          reuse_N         blocks of N bytes that were had before are had again
// VERDICT  what becomes of other system calls: kill, eperm, enosys; explain names the first of
// them;
//          none: there is no filter; own: the allocator itself makes no calls but those for memory
//          and for locks; silent: it makes none at all;
//          advice: the kernel takes back what is not needed, and no other advice

#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/daemons/heap_work.h"
#include "tests/daemons/system_call_filter.h"
#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/checked_block.h"

namespace mymalloc::test {
namespace {

constexpr size_t kThreads = 4;
constexpr int kRounds = 30;
constexpr size_t kMuch = 200 * kMiB;

// A point that threads wait for; a std::mutex and a condition need futex only.
class Gate {
 public:
  void Open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    condition_.notify_all();
  }
  void Await() {
    std::unique_lock<std::mutex> lock(mutex_);
    condition_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool open_ = false;
};

// Each gives the blocks of a round to the next and frees what it was given by the one before.
class Ring {
 public:
  // Where `ending`, the threads end when their work is done, as libc has them end.
  explicit Ring(bool ending) : ending_(ending), ready_(kThreads), done_(kThreads) {
    for (size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this, i] { Live(i); });
    for (Gate& gate : ready_) gate.Await();
  }

  void Work() {
    filtered_.Open();
    UseAllSizes();
    if (ending_) {
      for (std::thread& thread : threads_) thread.join();
    } else {
      for (Gate& gate : done_) gate.Await();
    }
    for (std::atomic<CheckedBlock*>& place : places_) FreeChain(place.exchange(nullptr));
  }

 private:
  void Live(size_t index) {
    if (index % 2 == 0) free(malloc(100));  // The others meet the filter before their first block.
    ready_[index].Open();
    filtered_.Await();
    for (int round = 0; round < kRounds; ++round) {
      CheckedList list;
      Fill(&list, kMiB, static_cast<uint64_t>(round));
      // The blocks of a list are chained: its first stands for them all.
      FreeChain(places_[(index + 1) % kThreads].exchange(list.Pop()));
      FreeChain(places_[index].exchange(nullptr));
    }
    done_[index].Open();
    if (!ending_) never_.Await();
  }

  static void FreeChain(CheckedBlock* block) {
    while (block != nullptr) {
      CheckedBlock* next = block->next;
      FreeChecked(block);
      block = next;
    }
  }

  const bool ending_;
  std::vector<Gate> ready_;
  Gate filtered_;
  std::vector<Gate> done_;
  Gate never_;
  std::atomic<CheckedBlock*> places_[kThreads] = {};
  std::vector<std::thread> threads_;
};

void Confine(const std::string& verdict, bool with_ending_threads) {
  if (verdict == "own" || verdict == "silent") {
    ExplainTraps();
    const std::vector<int> own = verdict == "own" ? AllocatorCalls() : std::vector<int>();
    AllowOnlyFrom(CodeOf("libmymalloc"), own, SECCOMP_RET_TRAP);
  }
  if (verdict == "advice") AllowOnlyAdvice(MADV_DONTNEED);
  std::vector<int> calls = MemoryCalls();
  // Not malloc's: pthread's own, when a thread ends.
  if (with_ending_threads) calls.push_back(SYS_rt_sigprocmask);
  if (verdict == "kill") AllowOnly(calls, SECCOMP_RET_KILL_PROCESS);
  if (verdict == "eperm") AllowOnly(calls, SECCOMP_RET_ERRNO | EPERM);
  if (verdict == "enosys") AllowOnly(calls, SECCOMP_RET_ERRNO | ENOSYS);
  if (verdict == "explain") {
    ExplainTraps();
    AllowOnly(calls, SECCOMP_RET_TRAP);
  }
}

void RunAlone(const std::string& verdict) {
  free(Opaque(malloc(1)));  // The first: it may use what it likes.
  Confine(verdict, false);
  UseAllSizes();
  Use(kMuch);
  UseSlowly();
}

void RunBesideThreads(const std::string& verdict, bool ending) {
  // Never destroyed: its threads may go on to the end of the process.
  auto* ring = new Ring(ending);
  Confine(verdict, ending);
  ring->Work();
  UseSlowly();
}

void UseLongBlocks(size_t size) {
  // Two of the longest would be more than may stay when they are free.
  std::vector<char*> blocks(size > 15 * kMiB ? 1 : 2);
  for (char*& block : blocks) {
    block = static_cast<char*>(malloc(size));
    MYMALLOC_CHECK(block != nullptr);
    for (size_t i = 0; i < size; i += 4 * kKiB) block[i] = 1;
  }
  for (char* const block : blocks) free(block);
}

// The first filter is there for the blocks that the making of a filter takes: they are not to be
// cut from what the long ones have left.
void RunReuse(size_t size, const std::string& verdict) {
  Confine("own", false);
  for (int i = 0; i < 20; ++i) UseLongBlocks(size);
  Confine(verdict, false);
  for (int i = 0; i < 50; ++i) UseLongBlocks(size);
}

}  // namespace
}  // namespace mymalloc::test

int main(int argc, char** argv) {
  MYMALLOC_CHECK(argc == 3);
  const std::string work = argv[1];
  if (work == "alone") {
    mymalloc::test::RunAlone(argv[2]);
  } else if (work.rfind("reuse_", 0) == 0) {
    mymalloc::test::RunReuse(std::stoul(work.substr(6)), argv[2]);
  } else {
    mymalloc::test::RunBesideThreads(argv[2], work == "ending_threads");
  }
  _exit(EXIT_SUCCESS);
}
