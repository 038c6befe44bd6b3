// A program that was built for jemalloc and asks how much its thread allocates and frees. It keeps
// a ledger of its own, of what malloc_usable_size says, and fails where the answers differ from it.

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <new>
#include <random>
#include <thread>
#include <vector>

extern "C" {
int mallctl(const char* name, void* old_value, size_t* old_length, void* new_value,
            size_t new_length);
void* mallocx(size_t n, int flags);
void* rallocx(void* pointer, size_t n, int flags);
void dallocx(void* pointer, int flags);
void sdallocx(void* pointer, size_t n, int flags);
}

namespace {

constexpr int kAlign256 = 8;  // MALLOCX_LG_ALIGN(8)
constexpr std::align_val_t kAligned{64};

void Require(bool holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "%s\n", what);
  exit(1);
}

template <typename T>
T Get(const char* name) {
  T value{};
  size_t length = sizeof(value);
  Require(mallctl(name, &value, &length, nullptr, 0) == 0, name);
  return value;
}

struct Ledger {
  uint64_t allocated = Get<uint64_t>("thread.allocated");
  uint64_t deallocated = Get<uint64_t>("thread.deallocated");

  void* Gave(void* block) {
    Require(block != nullptr, "no memory");
    allocated += malloc_usable_size(block);
    return block;
  }
  void* Takes(void* block) {
    deallocated += malloc_usable_size(block);
    return block;
  }
  void Compare(const char* after) const {
    Require(Get<uint64_t>("thread.allocated") == allocated, after);
    Require(Get<uint64_t>("thread.deallocated") == deallocated, after);
    Require(*Get<uint64_t*>("thread.allocatedp") == allocated, after);
    Require(*Get<uint64_t*>("thread.deallocatedp") == deallocated, after);
  }
};

// How a block is made, and what frees it.
struct Way {
  const char* name;
  void* (*make)(size_t n);
  void (*free)(void* block, size_t n);
  bool is_malloc;
};

void Free(void* block, size_t) { free(block); }

const Way kWays[] = {
    {"malloc", malloc, Free, true},
    {"calloc", [](size_t n) { return calloc(1, n); }, Free, true},
    {"realloc of nothing", [](size_t n) { return realloc(nullptr, n); }, Free, true},
    {"aligned_alloc", [](size_t n) { return aligned_alloc(64, n); }, Free, true},
    {"memalign of a page", [](size_t n) { return memalign(4096, n); }, Free, true},
    {"posix_memalign",
     [](size_t n) {
       void* block = nullptr;
       return posix_memalign(&block, 1 << 14, n) == 0 ? block : nullptr;
     },
     Free, true},
    {"new", [](size_t n) { return operator new(n); },
     [](void* block, size_t) { operator delete(block); }, false},
    {"new, sized delete", [](size_t n) { return operator new(n); },
     [](void* block, size_t n) { operator delete(block, n); }, false},
    {"new[]", [](size_t n) { return operator new[](n); },
     [](void* block, size_t n) { operator delete[](block, n); }, false},
    {"new, aligned", [](size_t n) { return operator new(n, kAligned); },
     [](void* block, size_t n) { operator delete(block, n, kAligned); }, false},
    {"new, nothrow", [](size_t n) { return operator new(n, std::nothrow); },
     [](void* block, size_t) { operator delete(block, std::nothrow); }, false},
    {"mallocx", [](size_t n) { return mallocx(n, 0); },
     [](void* block, size_t n) { sdallocx(block, n, 0); }, true},
    {"mallocx, aligned", [](size_t n) { return mallocx(n, kAlign256); },
     [](void* block, size_t) { dallocx(block, kAlign256); }, true},
};

// One of each kind of block there is: in a slot, a run of slots, a range or a mapping of its own.
size_t SomeSize(std::mt19937& random) {
  const size_t most[] = {100, 1000, 30000, 200000, 1000000, 5000000, 40 << 20};
  const unsigned long draw = random() % 1000;
  const unsigned long kind = draw < 600   ? 0
                             : draw < 800 ? 1
                             : draw < 950 ? 2
                             : draw < 985 ? 3
                                          : 4 + draw % 3;
  return 1 + random() % most[kind];
}

struct Block {
  void* pointer;
  size_t size;
  const Way* way;
};

void Resize(Block* block, std::mt19937& random, Ledger* ledger) {
  const size_t n = SomeSize(random);
  ledger->Takes(block->pointer);
  const bool by_flags = random() % 2 != 0;
  block->pointer =
      ledger->Gave(by_flags ? rallocx(block->pointer, n, 0) : realloc(block->pointer, n));
  block->size = n;
  block->way = &kWays[0];  // it has another size than it was made with
}

void InOneThread() {
  std::mt19937 random(1);
  std::vector<Block> blocks;
  blocks.reserve(1000);
  Ledger ledger;
  for (int i = 0; i < 30000; ++i) {
    const Way* way = &kWays[random() % std::size(kWays)];
    if (blocks.empty() || (blocks.size() < 300 && random() % 2 != 0)) {
      const size_t n = SomeSize(random);
      blocks.push_back({ledger.Gave(way->make(n)), n, way});
      ledger.Compare(way->name);
      continue;
    }
    Block& block = blocks[random() % blocks.size()];
    way = block.way;
    if (way->is_malloc && random() % 3 == 0) {
      Resize(&block, random, &ledger);
      ledger.Compare("realloc");
      continue;
    }
    way->free(ledger.Takes(block.pointer), block.size);
    ledger.Compare(way->name);
    block = blocks.back();
    blocks.pop_back();
  }
  for (const Block& block : blocks) block.way->free(ledger.Takes(block.pointer), block.size);
  ledger.Compare("the end");
}

void RefusedAndNothing() {
  const Ledger ledger;
  volatile size_t too_much = SIZE_MAX / 4;
  void* const block = malloc(too_much);
  free(block);
  free(nullptr);
  ledger.Compare("what was refused");
}

// Who frees is who is counted; a thread that did not ask changes nobody's counts.
void AcrossThreads() {
  constexpr size_t kBlocks = 5000;
  static void* blocks[kBlocks];
  std::mt19937 random(2);
  Ledger ledger;
  std::thread another;
  const auto make = [&random] {
    for (void*& block : blocks) block = malloc(1 + random() % 60000);
  };
  // std::thread's own blocks are made here, and freed here or there.
  another = std::thread(make);
  another.join();
  ledger = Ledger();
  for (void* const block : blocks) free(ledger.Takes(block));
  ledger.Compare("frees of another thread's blocks");
  for (void*& block : blocks) block = ledger.Gave(malloc(1 + random() % 60000));
  another = std::thread([] {
    for (void* const block : blocks) free(block);
    InOneThread();
  });
  ledger = Ledger();
  another.join();
  ledger.Compare("another thread's frees and counts");
}

// jemalloc looks at its peak now and then; here it is exact.
void Peak() {
  constexpr uint64_t kBytes = 1 << 20;
  Require(mallctl("thread.peak.reset", nullptr, nullptr, nullptr, 0) == 0, "peak.reset");
  for (int i = 0; i < 3; ++i) free(malloc(kBytes));
  const auto peak = Get<uint64_t>("thread.peak.read");
  Require(peak >= kBytes && peak < kBytes + kBytes / 2, "the peak");
  Require(mallctl("thread.peak.reset", nullptr, nullptr, nullptr, 0) == 0, "peak.reset");
  Require(Get<uint64_t>("thread.peak.read") == 0, "the peak after its reset");
}

}  // namespace

// With an argument: on jemalloc itself, of which is asked only what it answers exactly.
int main(int count, char**) {
  InOneThread();
  RefusedAndNothing();
  AcrossThreads();
  if (count == 1) Peak();
  puts("all counted");
  return 0;
}
