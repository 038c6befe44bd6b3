// Memory that nobody who is still at work has freed: of threads that exited, or freed by another
// thread while its owner is gone or asleep. A second process looks on from outside, so that the
// looking is no call of malloc, nor of anything else in here.

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "tests/robust/expect.h"
#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/memory_usage.h"

namespace mymalloc::test {
namespace {

constexpr unsigned kPatienceSeconds = 2;

// Blocks chained through themselves, each written whole.
struct Chain {
  struct Link {
    Link* next;
  };

  void Allocate(size_t size) {
    auto* const link = static_cast<Link*>(malloc(size));
    MYMALLOC_CHECK(link != nullptr);
    memset(static_cast<void*>(link), 1, size);
    link->next = first;
    first = link;
  }
  void FreeAll() {
    while (first != nullptr) {
      Link* const next = first->next;
      free(first);
      first = next;
    }
  }

  Link* first = nullptr;
};

// A pipe for single bytes: who waits sleeps in read.
class Doorbell {
 public:
  Doorbell() { MYMALLOC_CHECK(pipe(ends_) == 0); }
  void Ring() const { MYMALLOC_CHECK(write(ends_[1], "x", 1) == 1); }
  bool Await() const {
    char byte;
    return read(ends_[0], &byte, 1) == 1;
  }
  void CloseEnd(int end) const { close(ends_[end]); }

 private:
  int ends_[2];
};

// The process that looks on, and says at the end whether it liked what it saw.
class Onlooker {
 public:
  Onlooker() : watched_(getpid()), process_(fork()) {
    MYMALLOC_CHECK(process_ >= 0);
    if (process_ == 0) LookOn();
    answer_.CloseEnd(1);  // An onlooker that has ended is heard, too.
  }

  // Asks it for its next look, and waits until it has looked.
  void Look() const {
    question_.Ring();
    if (answer_.Await()) return;
    int status = 0;
    MYMALLOC_CHECK(waitpid(process_, &status, 0) == process_);
    _exit(EXIT_FAILURE);
  }

 private:
  size_t NextLook(unsigned seconds) const {
    question_.Await();
    sleep(seconds);
    return ResidentBytes(watched_);
  }
  [[noreturn]] void LookOn() const {
    const size_t peak = NextLook(0);
    Expect(peak >= 300 * kMiB, "%zu MiB at the peak", peak / kMiB);
    answer_.Ring();
    const size_t left = NextLook(kPatienceSeconds);
    const size_t percent = left * 100 / peak;
    answer_.Ring();
    const size_t after_malloc = NextLook(0);
    const size_t percent_after_malloc = after_malloc * 100 / peak;
    Expect(left <= peak / 100 * 15 && after_malloc <= peak / 10,
           "of %zu MiB, %zu MiB (%zu%%) are left after %u s without a call, of which 15%% may be, "
           "and %zu MiB (%zu%%) after one malloc, of which 10%% may be",
           peak / kMiB, left / kMiB, percent, kPatienceSeconds, after_malloc / kMiB,
           percent_after_malloc);
    answer_.Ring();
    _exit(EXIT_SUCCESS);
  }

  const Doorbell question_;
  const Doorbell answer_;
  const pid_t watched_;
  const pid_t process_;
};

// What was freed must be gone after a while, and then after one malloc.
void AwaitTheFall(const Onlooker& onlooker) {
  onlooker.Look();
  free(malloc(Opaque(size_t{100})));
  onlooker.Look();
}

pthread_t StartThread(void* (*run)(void*), void* argument) {
  pthread_attr_t attributes;
  MYMALLOC_CHECK(pthread_attr_init(&attributes) == 0);
  MYMALLOC_CHECK(pthread_attr_setstacksize(&attributes, 128 * kKiB) == 0);
  pthread_t thread;
  MYMALLOC_CHECK(pthread_create(&thread, &attributes, run, argument) == 0);
  return thread;
}

constexpr size_t kThreads = 1000;
constexpr size_t kBytesOfThread = 600 * kKiB;
pthread_barrier_t barrier;

// All of it is live in all threads at once; then each frees its own, and exits.
void* UseABit(void*) {
  Chain blocks;
  uint64_t size = 16;
  for (size_t bytes = 0; bytes < kBytesOfThread; bytes += size) {
    blocks.Allocate(size);
    size = 16 + (size * 6364136223846793005u + 1442695040888963407u) % (8 * kKiB - 15);
  }
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  blocks.FreeAll();
  return nullptr;
}

void ExitedThreadsThatFreed() {
  const Onlooker onlooker;
  static pthread_t threads[kThreads];
  MYMALLOC_CHECK(pthread_barrier_init(&barrier, nullptr, kThreads + 1) == 0);
  for (pthread_t& thread : threads) thread = StartThread(UseABit, nullptr);
  pthread_barrier_wait(&barrier);
  onlooker.Look();
  pthread_barrier_wait(&barrier);
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  AwaitTheFall(onlooker);
}

constexpr size_t kTotal = 400 * kMiB;

struct Owner {
  size_t size;
  bool stays;
  Chain blocks;
  Doorbell ready;
  Doorbell end;
};

void* OwnBlocks(void* argument) {
  auto* const owner = static_cast<Owner*>(argument);
  for (size_t bytes = 0; bytes < kTotal; bytes += owner->size) owner->blocks.Allocate(owner->size);
  owner->ready.Ring();
  if (owner->stays) owner->end.Await();
  return nullptr;
}

// Main frees what another thread has allocated, which has ended or sleeps.
template <size_t kSize, bool kStays>
void FreedByMain() {
  const Onlooker onlooker;
  Owner owner = {kSize, kStays, {}, {}, {}};
  const pthread_t thread = StartThread(OwnBlocks, &owner);
  owner.ready.Await();
  if (!kStays) pthread_join(thread, nullptr);
  onlooker.Look();
  owner.blocks.FreeAll();
  AwaitTheFall(onlooker);
  owner.end.Ring();
  if (kStays) pthread_join(thread, nullptr);
}

constexpr NamedCase kCases[] = {
    {"threads", ExitedThreadsThatFreed},          {"exited_256", FreedByMain<256, false>},
    {"exited_5k", FreedByMain<5 * kKiB, false>},  {"exited_200k", FreedByMain<200 * kKiB, false>},
    {"idle_256", FreedByMain<256, true>},         {"idle_5k", FreedByMain<5 * kKiB, true>},
    {"idle_200k", FreedByMain<200 * kKiB, true>},
};

}  // namespace
}  // namespace mymalloc::test

int main(int argc, char** argv) {
  return mymalloc::test::RunNamedCase(mymalloc::test::kCases, argc, argv);
}
