// What a program does at a limit on its address space: one that it sets itself, and has perhaps
// been started under.

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/robust/expect.h"
#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/memory_usage.h"

namespace mymalloc::test {
namespace {

constexpr size_t kLeft = 64 * kMiB;

// Blocks chained through themselves: to keep them takes no other memory.
struct Link {
  Link* next;
};

class Blocks {
 public:
  // False, and ENOMEM, if there is none.
  bool Ask(size_t size) {
    errno = 0;
    auto* const link = static_cast<Link*>(malloc(size));
    if (link == nullptr) {
      Expect(errno == ENOMEM, "malloc(%zu) is null and errno %d", size, errno);
      return false;
    }
    link->next = first_;
    first_ = link;
    bytes_ += size;
    return true;
  }
  // The one got last.
  void FreeOne(size_t size) {
    Link* const link = first_;
    first_ = link->next;
    free(link);
    bytes_ -= size;
  }
  void FreeAll(size_t size) {
    while (first_ != nullptr) FreeOne(size);
  }
  void FreeLast(size_t bytes, size_t size) {
    for (size_t freed = 0; freed < bytes; freed += size) FreeOne(size);
  }
  size_t bytes() const { return bytes_; }

 private:
  Link* first_ = nullptr;
  size_t bytes_ = 0;
};

void LimitAddressSpace(size_t bytes) {
  const rlimit both = {bytes, bytes};
  MYMALLOC_CHECK(setrlimit(RLIMIT_AS, &both) == 0);
}

// So that so much more can be mapped than is mapped now.
void LeaveAddressSpace(size_t bytes) { LimitAddressSpace(VirtualBytes() + bytes); }

// Asks until the answer is no, or it is clear that nothing says no.
size_t AskUntilTheLimit(size_t size, Blocks* blocks) {
  while (blocks->bytes() < 8 * kLeft && blocks->Ask(size)) {
  }
  return blocks->bytes();
}

template <size_t kSize>
void LimitIsKept() {
  free(malloc(Opaque(kSize)));
  LeaveAddressSpace(kLeft);
  Blocks blocks;
  const size_t got = AskUntilTheLimit(kSize, &blocks);
  // What was mapped before the limit is there to be had, too: that is one chunk.
  Expect(got >= kLeft / 2 && got <= 2 * kLeft, "%zu MiB in blocks of %zu, of %zu MiB that are left",
         got / kMiB, kSize, kLeft / kMiB);
  blocks.FreeAll(kSize);
  const size_t again = AskUntilTheLimit(kSize, &blocks);
  Expect(again >= got / 10 * 9, "%zu MiB once all was freed, of %zu", again / kMiB, got / kMiB);
  blocks.FreeAll(kSize);
}

// Needs some 16 KiB of stack for each level.
[[gnu::noinline]] size_t Recurse(size_t levels) {
  volatile char frame[16 * kKiB];
  frame[0] = static_cast<char>(levels);
  const size_t deeper = levels == 0 ? 0 : Recurse(levels - 1);
  return deeper + static_cast<size_t>(frame[0] == static_cast<char>(levels));
}

void* AllocateABit(void* seen) {
  Blocks blocks;
  for (int i = 0; i < 100; ++i) blocks.Ask(Opaque(size_t{1000}));
  blocks.FreeAll(1000);
  *static_cast<bool*>(seen) = true;
  return nullptr;
}

void ExpectAThread(const char* when) {
  pthread_t thread;
  bool seen = false;
  const int error = pthread_create(&thread, nullptr, AllocateABit, &seen);
  if (error == 0) pthread_join(thread, nullptr);
  Expect(error == 0 && seen, "pthread_create gives %d %s", error, when);
}

// A library of libc's own that no program here is linked with.
void ExpectDlopen(const char* when) {
  void* const library = dlopen("libBrokenLocale.so.1", RTLD_NOW);
  const char* const error = library == nullptr ? dlerror() : "no error";
  Expect(library != nullptr, "dlopen %s: %s", when, error);
  dlclose(library);
}

void ExpectOtherUses(const char* when) {
  constexpr size_t kLevels = 4 * kMiB / (16 * kKiB);
  const size_t levels = Recurse(kLevels);
  Expect(levels == kLevels + 1, "a recursion of %zu levels %s", levels, when);
  ExpectAThread(when);
  ExpectDlopen(when);
}

// A limit that a program sets itself is for all that it maps, not for malloc's blocks alone: what
// malloc has not used is there for a stack, a thread, a library.
template <size_t kSize>
void OthersGetWhatIsLeft() {
  free(malloc(Opaque(kSize)));
  LeaveAddressSpace(kLeft);
  Blocks blocks;
  while (blocks.bytes() < kLeft / 4) MYMALLOC_CHECK(blocks.Ask(kSize));
  ExpectOtherUses("beside a quarter of what is left");
  blocks.FreeAll(kSize);
}

template <size_t kSize>
void OthersGetWhatWasFreed() {
  free(malloc(Opaque(kSize)));
  LeaveAddressSpace(kLeft);
  Blocks blocks;
  AskUntilTheLimit(kSize, &blocks);
  blocks.FreeLast(kLeft / 2, kSize);
  free(malloc(Opaque(size_t{100})));
  ExpectOtherUses("after malloc has been at the limit, and half was freed");
  blocks.FreeAll(kSize);
}

class Stopwatch {
 public:
  Stopwatch() { clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start_); }
  // The processor's time since then, for each of so many.
  double Microseconds(size_t count) const {
    timespec end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    const auto seconds = static_cast<double>(end.tv_sec - start_.tv_sec);
    const auto nanoseconds = static_cast<double>(end.tv_nsec - start_.tv_nsec);
    return (seconds * 1e6 + nanoseconds / 1e3) / static_cast<double>(count);
  }

 private:
  timespec start_;
};

// Blocks until there are no more. Only the beginning of each is ever touched, and only by malloc.
// Room is left to keep as many again.
std::vector<void*> FillAddressSpace(size_t size, size_t bytes) {
  const size_t most = bytes / size;
  std::vector<void*> blocks;
  blocks.reserve(2 * most);
  while (void* const block = malloc(size)) blocks.push_back(block);
  Expect(errno == ENOMEM && blocks.size() >= most / 10 * 9,
         "%zu blocks to be had, of %zu; errno %d", blocks.size(), most, errno);
  return blocks;
}

void AskForOneMore(size_t size, std::vector<void*>* blocks) {
  errno = 0;
  void* const block = malloc(size);
  MYMALLOC_CHECK(block != nullptr || errno == ENOMEM);
  if (block != nullptr) blocks->push_back(block);
}

// Every step asks for a block that is hardly there, frees one and gets it again.
double MicrosecondsOfAStep(size_t size, size_t steps, std::vector<void*>* blocks) {
  const Stopwatch stopwatch;
  uint64_t random = 1;
  for (size_t i = 0; i < steps; ++i) {
    AskForOneMore(size, blocks);
    random = random * 6364136223846793005u + 1442695040888963407u;
    void*& block = (*blocks)[(random >> 33) % blocks->size()];
    free(block);
    block = malloc(size);
    MYMALLOC_CHECK(block != nullptr);
  }
  return stopwatch.Microseconds(steps);
}

void FreeEverySecond(std::vector<void*>* blocks) {
  size_t kept = 0;
  for (size_t i = 0; i < blocks->size(); ++i) {
    if (i % 2 == 0) {
      free((*blocks)[i]);
    } else {
      (*blocks)[kept++] = (*blocks)[i];
    }
  }
  blocks->resize(kept);
}

// Goes on at the limit, where the time must be linear in the number of calls; then asks for blocks
// that are too long for the holes that every second block leaves, and writes what a call takes.
template <size_t kSize, size_t kLimitMiB>
void GoOnAtTheLimit() {
  LimitAddressSpace(kLimitMiB * kMiB);
  std::vector<void*> blocks = FillAddressSpace(kSize, kLimitMiB * kMiB);
  const double first = MicrosecondsOfAStep(kSize, 5000, &blocks);
  const double later = MicrosecondsOfAStep(kSize, 15000, &blocks);
  Expect(later <= 2 * first + 20 && later < 1000, "a step takes %.1f us, later %.1f", first, later);
  FreeEverySecond(&blocks);
  constexpr size_t kAsks = 1000;
  const Stopwatch stopwatch;
  for (size_t i = 0; i < kAsks; ++i) AskForOneMore(2 * kSize, &blocks);
  printf("%.1f\n", stopwatch.Microseconds(kAsks));
}

constexpr NamedCase kCases[] = {
    {"kept_100", LimitIsKept<100>},
    {"kept_3k", LimitIsKept<3 * kKiB>},
    {"kept_100k", LimitIsKept<100 * kKiB>},
    {"kept_1m", LimitIsKept<kMiB>},
    {"left_100", OthersGetWhatIsLeft<100>},
    {"left_3k", OthersGetWhatIsLeft<3 * kKiB>},
    {"left_100k", OthersGetWhatIsLeft<100 * kKiB>},
    {"left_1m", OthersGetWhatIsLeft<kMiB>},
    {"freed_100k", OthersGetWhatWasFreed<100 * kKiB>},
    {"freed_1m", OthersGetWhatWasFreed<kMiB>},
    {"goes_on_40k_512m", GoOnAtTheLimit<40000, 512>},
    {"goes_on_40k_2g", GoOnAtTheLimit<40000, 2048>},
    {"goes_on_1m_4g", GoOnAtTheLimit<kMiB, 4 * 1024>},
    {"goes_on_1m_16g", GoOnAtTheLimit<kMiB, 16 * 1024>},
    {"goes_on_1m_64g", GoOnAtTheLimit<kMiB, 64 * 1024>},
};

}  // namespace
}  // namespace mymalloc::test

int main(int argc, char** argv) {
  return mymalloc::test::RunNamedCase(mymalloc::test::kCases, argc, argv);
}
