// What each step of the tour must do as malloc does it, beside running real programs: says what is
// wrong and ends with 1. Preload a step.

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr size_t kLive = 500;
constexpr size_t kTurns = 20000;
constexpr unsigned kPatience = 20;  // Seconds, of a child.

void Check(bool holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "wrong: %s\n", what);
  _exit(1);
}

// The compiler shall not know where it comes from, nor leave out what nobody reads.
template <typename T>
T* Hidden(T* pointer) {
  asm volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}

struct Block {
  unsigned char* bytes = nullptr;
  size_t size = 0;
  unsigned char mark = 0;

  void Fill() const { memset(Hidden(bytes), mark, size); }
  bool IsIntact(size_t n) const {
    for (size_t i = 0; i < n; ++i) {
      if (bytes[i] != mark) return false;
    }
    return true;
  }
};

void CheckNew(const void* block, size_t alignment, size_t size) {
  Check(block != nullptr, "there is no memory");
  Check(reinterpret_cast<uintptr_t>(block) % alignment == 0, "a block is not aligned");
  Check(malloc_usable_size(const_cast<void*>(block)) >= size, "less is usable than was asked for");
}

Block New(std::mt19937& random) {
  static constexpr size_t kBounds[] = {100, 1000, 50000, 3000000};
  const size_t bound = kBounds[random() % 100 < 70 ? 0 : random() % 100 < 90 ? 1 : random() % 4];
  const size_t size = random() % bound;
  const size_t shift = random() % 8 == 0 ? random() % 17 : 0;
  const size_t alignment = size_t{16} << shift;
  void* bytes = nullptr;
  if (random() % 16 == 0) {
    bytes = Hidden(calloc(1, size));
    for (size_t i = 0; i < size; ++i) Check(static_cast<char*>(bytes)[i] == 0, "calloc: not zero");
    CheckNew(bytes, 16, size);
  } else if (shift != 0) {
    Check(posix_memalign(&bytes, alignment, size) == 0, "posix_memalign");
    CheckNew(bytes, alignment, size);
  } else {
    bytes = malloc(size);
    CheckNew(bytes, 16, size);
  }
  const Block block{static_cast<unsigned char*>(bytes), size,
                    static_cast<unsigned char>(random() | 1)};
  block.Fill();
  return block;
}

void Resize(Block& block, std::mt19937& random) {
  const size_t size = 1 + random() % (2 * block.size + 100);
  auto* bytes = static_cast<unsigned char*>(realloc(block.bytes, size));
  CheckNew(bytes, 16, size);
  const size_t kept = size < block.size ? size : block.size;
  block.bytes = bytes;
  Check(block.IsIntact(kept), "realloc has lost what was written");
  block.size = size;
  block.Fill();
}

void Drop(Block& block) {
  Check(block.IsIntact(block.size), "a block was overwritten");
  free(block.bytes);
  block = {};
}

std::mutex g_exchange_lock;
std::vector<Block> g_exchange;

// Gives a block to the other threads, and takes one of theirs.
void Exchange(Block& block) {
  const std::lock_guard<std::mutex> guard(g_exchange_lock);
  if (g_exchange.size() < 64) {
    g_exchange.push_back(block);
    block = {};
  } else {
    std::swap(g_exchange[block.size % 64], block);
  }
}

void Churn(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Block> live(kLive);
  for (size_t turn = 0; turn < kTurns; ++turn) {
    Block& block = live[random() % kLive];
    const size_t choice = random() % 16;
    if (block.bytes == nullptr) {
      block = New(random);
    } else if (choice == 0) {
      Exchange(block);
    } else if (choice < 4) {
      Resize(block, random);
    } else {
      Drop(block);
    }
  }
  for (Block& block : live) Drop(block);
}

void TestThreads() {
  std::vector<std::thread> threads;
  for (unsigned seed = 1; seed <= 4; ++seed) threads.emplace_back(Churn, seed);
  for (std::thread& thread : threads) thread.join();
  for (Block& block : g_exchange) Drop(block);
}

// Each child allocates as the others do just then.
void TestForkAmongThreads() {
  std::atomic<bool> is_over{false};
  std::thread small([&] {
    while (!is_over) free(Hidden(malloc(100)));
  });
  std::thread large([&] {
    while (!is_over) free(Hidden(malloc(300000)));
  });
  for (int i = 0; i < 200; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(kPatience);
      for (size_t size = 1; size < 400000; size = size * 3 / 2 + 1) free(Hidden(malloc(size)));
      _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    Check(status == 0, "a child of fork does not end well");
  }
  is_over = true;
  large.join();
  small.join();
}

void TestWhatCannotBe() {
  volatile size_t too_much = SIZE_MAX / 2 + 1;
  errno = 0;
  Check(malloc(too_much) == nullptr && errno == ENOMEM, "malloc of more than there can be");
  errno = 0;
  Check(calloc(too_much, 2) == nullptr && errno == ENOMEM, "calloc of more than there can be");
  void* block = nullptr;
  volatile size_t odd = 24;
  Check(posix_memalign(&block, odd, 100) == EINVAL, "an alignment that is no power of two");
  free(nullptr);
  Check(malloc_usable_size(nullptr) == 0, "what is usable of nothing");
}

// As long as they live they are aligned, and nothing of one is of another.
void TestAlignments() {
  std::vector<void*> blocks;
  for (size_t alignment = 16; alignment <= size_t{1} << 22; alignment *= 2) {
    for (const size_t size : {size_t{1}, alignment - 1, alignment, 3 * alignment + 8}) {
      for (void* block : {memalign(alignment, size), aligned_alloc(alignment, size)}) {
        CheckNew(block, alignment, size);
        memset(block, 1, size);
        blocks.push_back(block);
      }
    }
  }
  for (void* block : blocks) free(block);
}

}  // namespace

int main() {
  TestWhatCannotBe();
  TestAlignments();
  TestThreads();
  TestForkAmongThreads();
  puts("all is well");
  return 0;
}
