// fill_program KIND MIB: uses all memory that it is allowed, of which there must be at least MIB,
// and goes on from there. Exits with 0 if the allocator behaved: NULL and ENOMEM at the end, every
// block intact, and as much to be had again once something, and once everything, has been freed.
// KIND `within` uses MIB in many forms instead, and no more.

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include "tests/support/block.h"
#include "tests/support/check.h"
#include "tests/support/checked_block.h"
#include "tests/support/child.h"

namespace mymalloc::test {
namespace {

constexpr int kCycles = 2;

uint64_t Scrambled(uint64_t index) { return index * uint64_t{0x9e3779b97f4a7c15} >> 16; }

CheckedBlock* Small(uint64_t i) { return NewChecked(32 + Scrambled(i) % 500, i); }

CheckedBlock* Medium(uint64_t i) { return NewChecked(1000 + Scrambled(i) % 60000, i); }

CheckedBlock* Large(uint64_t i) { return NewChecked(300 * kKiB + Scrambled(i) % (3 * kMiB), i); }

CheckedBlock* Mixed(uint64_t i) { return NewChecked(SpreadSize(Scrambled(i), 2 * kMiB), i); }

CheckedBlock* Aligned(uint64_t i) {
  const size_t size = 100 + Scrambled(i) % 5000;
  errno = 0;
  void* memory = aligned_alloc(256, size);
  if (memory != nullptr) return MakeChecked(memory, size, i);
  MYMALLOC_CHECK(errno == ENOMEM);
  return nullptr;
}

CheckedBlock* Zeroed(uint64_t i) {
  const size_t size = SpreadSize(Scrambled(i), 100000);
  errno = 0;
  void* memory = calloc(1, size);
  MYMALLOC_CHECK(memory != nullptr || errno == ENOMEM);
  if (memory == nullptr) return nullptr;
  MYMALLOC_CHECK(IsZero(memory, size));
  return MakeChecked(memory, size, i);
}

CheckedBlock* Resized(uint64_t i) {
  CheckedBlock* block = NewChecked(100 + Scrambled(i) % 1000, i);
  if (block == nullptr) return nullptr;
  const size_t size = block->size * (2 + i % 50);
  errno = 0;
  void* memory = realloc(block, size);
  if (memory != nullptr) {
    MYMALLOC_CHECK(IsIntact(*static_cast<CheckedBlock*>(memory)));
    return MakeChecked(memory, size, i);
  }
  MYMALLOC_CHECK(errno == ENOMEM);
  FreeChecked(block);  // Still there, still intact.
  return nullptr;
}

CheckedBlock* ByNew(uint64_t i) {
  const size_t size = SpreadSize(Scrambled(i), 500000);
  try {
    return MakeChecked(::operator new(size), size, i);
  } catch (const std::bad_alloc&) {
    MYMALLOC_CHECK(::operator new(64 * kMiB, std::nothrow) == nullptr);
    return nullptr;
  }
}

struct Kind {
  const char* name;
  CheckedBlock* (*allocate)(uint64_t index);
};

constexpr Kind kKinds[] = {
    {"small", Small},     {"medium", Medium}, {"large", Large},     {"mixed", Mixed},
    {"aligned", Aligned}, {"zeroed", Zeroed}, {"resized", Resized}, {"new", ByNew},
};

// Allocates until there is no more: once is an answer, and it stays the answer.
void Fill(const Kind& kind, CheckedList* blocks) {
  uint64_t index = 0;
  for (int failures = 0; failures < 20; ++index) {
    CheckedBlock* block = kind.allocate(index);
    if (block == nullptr) {
      ++failures;
    } else {
      blocks->Push(block);
    }
  }
}

void CheckAmount(const char* kind, size_t bytes, size_t least) {
  if (bytes >= least) return;
  char text[200];
  snprintf(text, sizeof(text), "%s: %zu MiB to be had, of at least %zu\n", kind, bytes / kMiB,
           least / kMiB);
  WriteError(text);
  exit(EXIT_FAILURE);
}

// Not every hole between live blocks serves a block of another size; in hardened mode all blocks
// that are too long for a slot have ranges of their own, with guards, and more holes between them.
size_t TenthsAfterHoles() { return getenv("MYMALLOC_HARDEN") != nullptr ? 6 : 8; }

void Cycle(const Kind& kind, size_t least) {
  CheckedList blocks;
  Fill(kind, &blocks);
  const size_t full = blocks.bytes();
  CheckAmount(kind.name, full, least);
  MYMALLOC_CHECK(blocks.AllIntact());
  blocks.FreeEverySecond();
  Fill(kind, &blocks);
  CheckAmount(kind.name, blocks.bytes(), full / 10 * TenthsAfterHoles());
  MYMALLOC_CHECK(blocks.AllIntact());
  blocks.FreeAll();
}

// Every kind after every other one: what one has freed must serve the next.
void InTurn(size_t least) {
  for (int round = 0; round < 2; ++round) {
    for (const Kind& kind : kKinds) {
      CheckedList blocks;
      Fill(kind, &blocks);
      CheckAmount(kind.name, blocks.bytes(), least);
      blocks.FreeAll();
    }
  }
}

// The same amount in each form after the other: whoever counts the resident memory must not find
// the sum of them.
void Within(size_t bytes) {
  for (int round = 0; round < 3; ++round) {
    for (const Kind& kind : kKinds) {
      CheckedList blocks;
      for (uint64_t i = 0; blocks.bytes() < bytes; ++i) {
        CheckedBlock* const block = kind.allocate(i);
        MYMALLOC_CHECK(block != nullptr);
        blocks.Push(block);
      }
      MYMALLOC_CHECK(blocks.AllIntact());
      blocks.FreeAll();
    }
  }
}

// Children that run out of memory beside a parent that has some.
void FromChildren(size_t least) {
  CheckedList kept;
  for (uint64_t i = 0; kept.bytes() < 16 * kMiB; ++i) kept.Push(Mixed(i));
  for (int child = 0; child < kCycles; ++child) {
    InChild([&kept, least] {
      Cycle({"mixed", Mixed}, least);
      kept.FreeAll();
      Cycle({"small", Small}, least);
    });
  }
  kept.FreeAll();
  Cycle({"mixed", Mixed}, least);
}

// Several threads run out of memory together, and each goes on.
void FromThreads(size_t least) {
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    std::vector<std::thread> threads;
    CheckedList lists[3];
    for (CheckedList& list : lists) {
      threads.emplace_back([&list] { Fill({"mixed", Mixed}, &list); });
    }
    for (std::thread& thread : threads) thread.join();
    size_t bytes = 0;
    for (CheckedList& list : lists) {
      bytes += list.bytes();
      list.FreeAll();
    }
    CheckAmount("threads", bytes, least);
  }
}

void RunKind(const char* name, size_t least) {
  if (strcmp(name, "threads") == 0) return FromThreads(least);
  if (strcmp(name, "turns") == 0) return InTurn(least);
  if (strcmp(name, "within") == 0) return Within(least);
  if (strcmp(name, "children") == 0) return FromChildren(least);
  for (const Kind& kind : kKinds) {
    if (strcmp(kind.name, name) != 0) continue;
    for (int i = 0; i < kCycles; ++i) Cycle(kind, least);
    return;
  }
  CheckFailed(name, "a known kind");
}

}  // namespace
}  // namespace mymalloc::test

int main(int argc, char** argv) {
  MYMALLOC_CHECK(argc == 3);
  mymalloc::test::RunKind(argv[1], strtoull(argv[2], nullptr, 10) * mymalloc::test::kMiB);
  return EXIT_SUCCESS;
}
