// What a program takes of the address space, of mappings and of a core file, in figures to compare.

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/robust/expect.h"
#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/memory_usage.h"

namespace mymalloc::test {
namespace {

// A block of which the first byte is touched.
char* Touched(size_t size) {
  auto* const block = static_cast<char*>(malloc(size));
  MYMALLOC_CHECK(block != nullptr);
  *block = 1;
  return block;
}

void Fill(size_t bytes, std::vector<void*>* blocks) {
  for (size_t size = 16; bytes > size;) {
    blocks->push_back(Touched(size));
    memset(blocks->back(), 1, size);
    bytes -= size;
    size = 16 + (size * 7919 + 4001) % 100000;
  }
}

void PrintVirtual() { printf("%zu\n", VirtualBytes()); }

void PrintVirtualWith100MiB() {
  std::vector<void*> blocks;
  Fill(100 * kMiB, &blocks);
  PrintVirtual();
}

// Much of one size: what is lost to the classes and at the ends of pages and chunks.
template <size_t kSize>
void PrintVirtualOfMany() {
  for (size_t bytes = 0; bytes < 800 * kMiB; bytes += kSize) Touched(kSize);
  PrintVirtual();
}

pthread_barrier_t barrier;

// A block of every size class, whatever the classes are.
void* TakeEverySize(void*) {
  std::vector<void*> blocks;
  for (size_t size = 8; size <= 2 * kMiB; size += std::max(size / 32, size_t{8})) {
    blocks.push_back(Touched(size));
  }
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  for (void* const block : blocks) free(block);
  return nullptr;
}

void PrintVirtualOfThreads() {
  pthread_t threads[8];
  MYMALLOC_CHECK(pthread_barrier_init(&barrier, nullptr, 9) == 0);
  for (pthread_t& thread : threads) {
    MYMALLOC_CHECK(pthread_create(&thread, nullptr, TakeEverySize, nullptr) == 0);
  }
  pthread_barrier_wait(&barrier);
  PrintVirtual();
  pthread_barrier_wait(&barrier);
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
}

// Many blocks of which every other is freed: the holes must not cost a mapping each.
template <size_t kCount, size_t kSize>
void ManyHoles() {
  const size_t mappings = MappingCount();
  const size_t bytes = VirtualBytes();
  std::vector<char*> blocks(kCount);
  for (char*& block : blocks) block = Touched(kSize);
  for (size_t i = 0; i < kCount; i += 2) free(blocks[i]);
  const size_t grown = MappingCount() - mappings;
  const size_t chunks = (VirtualBytes() - bytes) / (32 * kMiB);
  std::vector<pthread_t> threads(50);
  size_t made = 0;
  const auto pause_a_bit = [](void*) -> void* {
    usleep(100000);
    return nullptr;
  };
  for (pthread_t& thread : threads) {
    if (pthread_create(&thread, nullptr, pause_a_bit, nullptr) != 0) break;
    ++made;
  }
  for (size_t i = 0; i < made; ++i) pthread_join(threads[i], nullptr);
  Expect(grown <= 64 + chunks && made == threads.size(),
         "%zu mappings more, of which %zu may be; then %zu of %zu threads could be made", grown,
         64 + chunks, made, threads.size());
  for (size_t i = 1; i < kCount; i += 2) free(blocks[i]);
}

// gcore of this process, by a child that it lets attach.
void RunGcore(const std::string& path) {
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  std::string pid = std::to_string(getpid());
  const pid_t child = fork();
  MYMALLOC_CHECK(child >= 0);
  if (child == 0) {
    unsetenv("LD_PRELOAD");
    const int out = open("/dev/null", O_WRONLY);
    dup2(out, STDOUT_FILENO);
    execlp("gcore", "gcore", "-o", path.c_str(), pid.c_str(), nullptr);
    _exit(127);
  }
  int status = -1;
  MYMALLOC_CHECK(waitpid(child, &status, 0) == child);
  Expect(status == 0, "gcore ends with %d", status);
}

// What a core of this process takes, in bytes: the larger of its length and its disk blocks.
size_t CoreBytes() {
  const char* const folder = getenv("TMPDIR");
  const std::string path = std::string(folder == nullptr ? "/tmp" : folder) + "/footprint";
  const std::string core = path + "." + std::to_string(getpid());
  RunGcore(path);
  struct stat file;
  MYMALLOC_CHECK(stat(core.c_str(), &file) == 0);
  unlink(core.c_str());
  return std::max(static_cast<size_t>(file.st_size), static_cast<size_t>(file.st_blocks) * 512);
}

void PrintCoreSize() {
  std::vector<void*> blocks;
  Fill(50 * kMiB, &blocks);
  const size_t bytes = CoreBytes();
  Expect(bytes >= 50 * kMiB, "a core of %zu MiB", bytes / kMiB);
  printf("%zu\n", bytes);
}

// All has been freed, in any order, the program has gone on with little, and then needs some again.
void PrintCoreSizeAfterFrees() {
  std::vector<void*> blocks;
  Fill(300 * kMiB, &blocks);
  std::shuffle(blocks.begin(), blocks.end(), std::minstd_rand(1));
  for (void* const block : blocks) free(block);
  for (int i = 0; i < 30; ++i) {
    usleep(100000);
    std::array<void*, 500> some;
    for (void*& block : some) block = Touched(100);
    for (void* const block : some) free(block);
  }
  blocks.clear();
  Fill(20 * kMiB, &blocks);
  const size_t resident = ResidentBytes();
  const size_t bytes = CoreBytes();
  Expect(bytes >= 20 * kMiB && resident >= 20 * kMiB, "a core of %zu MiB", bytes / kMiB);
  printf("%zu\n", bytes > resident ? bytes - resident : 1);
}

// All memory locked, now and in future: what is freed cannot be given back, but can be had again.
void LockedMemory() {
  MYMALLOC_CHECK(mlockall(MCL_CURRENT | MCL_FUTURE) == 0);
  for (int round = 0; round < 3; ++round) {
    std::vector<void*> blocks;
    Fill(100 * kMiB, &blocks);
    for (void* const block : blocks) free(block);
    for (size_t size = 100; size < 4 * kMiB; size *= 30) {
      void* const zeros = calloc(1, size);
      MYMALLOC_CHECK(zeros != nullptr && IsZero(zeros, size));
      free(zeros);
    }
  }
  std::thread([] { free(Touched(1000)); }).join();
  const size_t resident = ResidentBytes();
  Expect(resident <= 300 * kMiB, "%zu MiB resident for 100 MiB of blocks", resident / kMiB);
}

constexpr NamedCase kCases[] = {
    {"virtual_start", PrintVirtual},
    {"virtual_100m", PrintVirtualWith100MiB},
    {"virtual_300", PrintVirtualOfMany<300>},
    {"virtual_4200", PrintVirtualOfMany<4200>},
    {"virtual_17k", PrintVirtualOfMany<17000>},
    {"virtual_40k", PrintVirtualOfMany<40000>},
    {"virtual_270k", PrintVirtualOfMany<270000>},
    {"virtual_600k", PrintVirtualOfMany<600000>},
    {"virtual_2m", PrintVirtualOfMany<2 * kMiB + 4000>},
    {"virtual_9m", PrintVirtualOfMany<9 * kMiB>},
    {"virtual_17m", PrintVirtualOfMany<17 * kMiB>},
    {"virtual_threads", PrintVirtualOfThreads},
    {"holes_40k", ManyHoles<200000, 40 * kKiB>},
    {"holes_64k", ManyHoles<140000, 64 * kKiB>},
    {"core", PrintCoreSize},
    {"core_after_frees", PrintCoreSizeAfterFrees},
    {"locked", LockedMemory},
};

}  // namespace
}  // namespace mymalloc::test

int main(int argc, char** argv) {
  return mymalloc::test::RunNamedCase(mymalloc::test::kCases, argc, argv);
}
