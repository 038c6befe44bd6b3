// The real engine, built over the seam, as programs for the explorer: threads that own heaps, an
// initial state that each execution begins with, and what must hold in the end.

#ifndef MYMALLOC_TESTS_INTERLEAVE_ENGINE_H_
#define MYMALLOC_TESTS_INTERLEAVE_ENGINE_H_

#include "tests/interleave/seam.h"
// The engine's headers come after the seam.
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "mymalloc/front/front.h"
#include "mymalloc/heap/heap.h"
#include "tests/interleave/explorer.h"

namespace mymalloc::interleave {

static_assert(std::is_same_v<Entry, ScheduledAtomic<uintptr_t>>, "the seam is in force");

// A program of threads that call the engine. The constructor makes an engine in which no page is in
// use; then the test makes the initial state, adds threads, and explores.
class EngineProgram {
 public:
  // Heaps that threads own; one more is parked, for those that come without.
  static constexpr unsigned kHeaps = 3;
  // All blocks are of the smallest class, whose pages are one unit.
  static constexpr SizeClass kClass = SmallClassOf(1);
  static constexpr unsigned kDepth = 8;  // of a magazine, at the start

  EngineProgram();

  Heap& heap(unsigned i) { return *heaps_[i]; }

  // The calling context acts as the owner of heap i, here for the initial state.
  void Become(unsigned i);
  // A page for heap i, with live blocks in these slots only, which it returns. What is free is in
  // the page's bitmap; the heap's magazine is empty, and has some room.
  std::vector<void*> MakePage(unsigned i, const std::vector<unsigned>& slots);
  // The same with all blocks live but for `free` of them.
  std::vector<void*> MakeFullPage(unsigned i, unsigned free);
  PageHeader* PageOf(void* block) const;

  // What the threads call. Both keep count of what is live.
  void* Allocate();
  void Free(void* block);
  // A free that is not counted: of a block that is freed twice, and forgotten before.
  static void FreeAgain(void* block) { mymalloc::Free(block); }
  void Forget(void* block);
  // The thread ends as the C library would end it.
  static void Exit();

  // A thread that owns heap i; one that owns none yet.
  void AddOwner(unsigned i, std::function<void()> body);
  void AddStranger(std::function<void()> body);

  // Their operations are steps.
  void Watch(uintptr_t begin, size_t bytes, const std::string& name);
  void WatchHeap(unsigned i);      // its lock and its list of remote frees
  void WatchMagazine(unsigned i);  // the smallest class'
  // The remote half of its page's header. Unless the page may come back there as another, it may be
  // touched only as long as there is a page.
  void WatchPage(void* block, bool may_come_back = false);
  void WatchTag(void* block);
  void WatchRegistry();

  // Reports of misuse that must have come when all has ended.
  void ExpectReports(unsigned count) { expected_reports_ = count; }

  Program& program() { return program_; }
  Result Explore();

 private:
  struct Saved {
    uintptr_t begin;
    std::vector<char> bytes;
  };

  void SaveState(std::vector<Saved>* state) const;
  static void RestoreState(const std::vector<Saved>& state);
  std::vector<void*> AllocatePage();
  void GiveBack(const std::vector<void*>& blocks);
  void Check();
  const char* Objection(uintptr_t address) const;

  Heap* heaps_[kHeaps];
  Program program_;
  std::vector<Saved> initial_;
  std::vector<void*> live_;
  std::vector<void*> initial_live_;
  std::vector<Range> headers_;
  unsigned expected_reports_ = 0;
};

}  // namespace mymalloc::interleave

#endif  // MYMALLOC_TESTS_INTERLEAVE_ENGINE_H_
