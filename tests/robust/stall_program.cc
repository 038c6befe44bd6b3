// One thread frees a lot, and so memory is given back. How long does another one wait for that, in
// malloc, in free or in fork? Writes the longest wait in milliseconds.

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/robust/expect.h"
#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/child.h"

namespace mymalloc::test {
namespace {

int64_t Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

// How long the calling thread has been ready to run without being let: that is the machine's doing,
// not malloc's. Zero where the kernel does not tell.
class ReadyTime {
 public:
  ReadyTime() : file_(open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}
  ReadyTime(const ReadyTime&) = delete;
  ReadyTime& operator=(const ReadyTime&) = delete;
  ~ReadyTime() { close(file_); }

  int64_t Nanoseconds() const {
    char text[128] = {};
    if (pread(file_, text, sizeof(text) - 1, 0) <= 0) return 0;
    const char* const second = strchr(text, ' ');
    return second == nullptr ? 0 : strtoll(second, nullptr, 10);
  }

 private:
  const int file_;
};

// Calls the work, and returns the nanoseconds that it took for reasons of its own.
template <typename Work>
int64_t Wait(const ReadyTime& ready, Work work) {
  const int64_t ready_before = ready.Nanoseconds();
  const int64_t start = Now();
  work();
  const int64_t end = Now();
  return end - start - (ready.Nanoseconds() - ready_before);
}

std::vector<char*> Touched(size_t size, size_t total) {
  std::vector<char*> blocks(total / size);
  for (char*& block : blocks) {
    block = static_cast<char*>(malloc(size));
    MYMALLOC_CHECK(block != nullptr);
    for (size_t i = 0; i < size; i += 4096) block[i] = 1;
  }
  return blocks;
}

// A thread that frees blocks: its own, or another's. What it freed is old enough to be given back
// when `over` is true.
class Freeing {
 public:
  Freeing(size_t size, size_t total, bool own) {
    if (!own) blocks_ = Touched(size, total);
    thread_ = std::thread([this, size, total, own] {
      if (own) blocks_ = Touched(size, total);
      ready_ = true;
      while (!go_) usleep(100);
      for (char* const block : blocks_) free(block);
      for (int i = 0; i < 80; ++i) {  // and goes on a bit, as a program would
        usleep(10000);
        free(malloc(size));
      }
      over_ = true;
    });
    while (!ready_) usleep(1000);
  }
  Freeing(const Freeing&) = delete;
  Freeing& operator=(const Freeing&) = delete;
  ~Freeing() { thread_.join(); }

  void Go() { go_ = true; }
  bool over() const { return over_; }

 private:
  std::vector<char*> blocks_;
  std::atomic<bool> ready_{false};
  std::atomic<bool> go_{false};
  std::atomic<bool> over_{false};
  std::thread thread_;
};

size_t NextSize(uint64_t* random) {
  *random = *random * 6364136223846793005u + 1442695040888963407u;
  return 1 + (*random >> 33) % (300 * kKiB);
}

int64_t LongestMalloc(size_t size, size_t total, bool own) {
  Freeing freeing(size, total, own);
  const ReadyTime ready;
  uint64_t random = 1;
  int64_t longest = 0;
  freeing.Go();
  while (!freeing.over()) {
    const size_t asked = NextSize(&random);
    longest = std::max(longest, Wait(ready, [asked] { free(malloc(asked)); }));
  }
  return longest;
}

int64_t LongestFork(size_t size, size_t total) {
  void* const shared =
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  MYMALLOC_CHECK(shared != MAP_FAILED);
  auto* const in_child = static_cast<int64_t*>(shared);
  Freeing freeing(size, total, true);
  const ReadyTime ready;
  uint64_t random = 1;
  int64_t longest = 0;
  freeing.Go();
  while (!freeing.over()) {
    pid_t child = -1;
    const int64_t fork_time = Wait(ready, [&child] { child = fork(); });
    if (child == 0) {
      const size_t asked = NextSize(&random);
      *in_child = Wait(ReadyTime(), [asked] { free(malloc(asked)); });
      _exit(0);
    }
    AwaitChild(child);
    longest = std::max({longest, fork_time, *in_child});
  }
  munmap(shared, 4096);
  return longest;
}

// The first of eight tries that is good enough, or else the best: a machine that is busy with other
// things makes waits of its own.
template <typename Try>
void PrintBest(double good_enough, Try attempt) {
  double best = 1e9;
  for (int i = 0; i < 8 && best > good_enough; ++i) {
    best = std::min(best, static_cast<double>(attempt()) / 1e6);
    fprintf(stderr, "%.3f ms\n", best);
  }
  printf("%.3f\n", best);
}

constexpr double kGoodMilliseconds = 2;

template <size_t kSize, size_t kTotalMiB, bool kOwn>
void Malloc() {
  PrintBest(kGoodMilliseconds, [] { return LongestMalloc(kSize, kTotalMiB * kMiB, kOwn); });
}

// A fork copies the page tables of what is resident: that takes its time under any malloc.
constexpr double kGoodForkMilliseconds = 60;

void Fork() {
  PrintBest(kGoodForkMilliseconds, [] { return LongestFork(64 * kKiB, 256 * kMiB); });
}

constexpr NamedCase kCases[] = {
    {"own_64k", Malloc<64 * kKiB, 1024, true>},
    {"other_64k", Malloc<64 * kKiB, 256, false>},
    {"other_5k", Malloc<5 * kKiB, 256, false>},
    {"fork", Fork},
};

}  // namespace
}  // namespace mymalloc::test

int main(int argc, char** argv) {
  return mymalloc::test::RunNamedCase(mymalloc::test::kCases, argc, argv);
}
