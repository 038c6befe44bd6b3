#include "tests/interleave/engine.h"

#include <algorithm>
#include <cstring>

#include "mymalloc/base/options.h"
#include "mymalloc/large/large.h"
#include "mymalloc/misuse/sampled_blocks.h"
#include "mymalloc/process/attach.h"
#include "mymalloc/process/janitor.h"
#include "mymalloc/process/registry.h"
#include "mymalloc/report/verify.h"
#include "mymalloc/supply/budget.h"
#include "mymalloc/supply/page_map.h"
#include "mymalloc/supply/page_supply.h"
#include "mymalloc/supply/tick.h"
#include "mymalloc/supply/totals.h"
#include "tests/interleave/outside.h"

namespace mymalloc::interleave {
namespace {

constexpr size_t kRegistryEnds = 1024;
constexpr size_t kCacheLine = 64;

uintptr_t Address(const void* p) { return reinterpret_cast<uintptr_t>(p); }

// What the thread-local variables of a heap's owner are.
intptr_t DistanceOf(const Heap* heap) {
  return reinterpret_cast<intptr_t>(heap) - reinterpret_cast<intptr_t>(g_bare_heaps.heaps);
}

std::vector<uint64_t> LocalsOf(const Heap* heap) {
  return {static_cast<uint64_t>(DistanceOf(heap)), Address(heap)};
}

void BecomeOwnerOf(Heap* heap) {
  t_heap = DistanceOf(heap);
  t_own_heap = heap;
}

void BecomeStranger() {
  t_heap = 0;
  t_own_heap = nullptr;
}

// The engine is set up once, and each program restores what it then was.
struct Base {
  Heap* heaps[EngineProgram::kHeaps];
  Heap* spare;
};

Heap* NewThreadsHeap() {
  BecomeStranger();
  EnsureHeap();
  return CurrentHeap();
}

Base MakeBase() {
  EnsureHeap();
  g_options = Options();
  g_options.sample = {0};  // a program must behave the same each time
  g_policy = Policy();
  // Ticks are counted from when the system started: with an hour one came at each half of one.
  g_options.decay = {Millis::kNever};
  g_options.on_error = OnError::kWarn;
  Base base{};
  for (Heap*& heap : base.heaps) heap = NewThreadsHeap();
  base.spare = NewThreadsHeap();
  // The memory that is needed later is there from now on.
  mymalloc::Free(mymalloc::Allocate(1));
  base.spare->Flush();
  base.spare->DecayAll();
  g_outside.thread_exit(base.spare);
  return base;
}

}  // namespace

EngineProgram::EngineProgram() {
  static const Base base = MakeBase();
  std::copy(std::begin(base.heaps), std::end(base.heaps), std::begin(heaps_));
  static const std::vector<Saved> unused = [this] {
    std::vector<Saved> state;
    SaveState(&state);
    return state;
  }();
  RestoreState(unused);
  program_.locals = {&t_heap, &t_own_heap};
  program_.reset = [this] {
    RestoreState(initial_);
    live_ = initial_live_;
    g_outside.reports = 0;
  };
  program_.check = [this] { Check(); };
  program_.objection = [this](uintptr_t address) { return Objection(address); };
}

// Not the magazines of other classes, which are most of a heap and stay as they are.
void EngineProgram::SaveState(std::vector<Saved>* state) const {
  state->clear();
  const auto save = [state](uintptr_t begin, uintptr_t end) {
    if (begin >= end) return;
    const char* const from = reinterpret_cast<const char*>(begin);
    state->push_back({begin, std::vector<char>(from, from + (end - begin))});
  };
  for (const Range& range : g_outside.memory) {
    uintptr_t begin = range.begin;
    for (HeapId id = kFirstHeap; id <= g_registry.HighestId(); ++id) {
      const uintptr_t unused = Address(&g_heaps[id]->magazine(kClass + 1));
      if (unused < begin || unused >= range.end) continue;
      save(begin, unused);
      const uintptr_t rest = Address(&g_heaps[id]->magazine(kFirstRunClass - 1) + 1);
      begin = Address(g_heaps[id] + 1);
      save(rest, begin);
    }
    // What was never used is not used by programs like these.
    uintptr_t end = range.end;
    while (end > begin && *reinterpret_cast<const char*>(end - 1) == 0) --end;
    save(begin, RoundUp(end, kCacheLine));
  }
  // Most of it is a stack with room for all heaps, of which these programs use little.
  static_assert(sizeof(Registry) > 2 * kRegistryEnds, "there is a middle");
  save(Address(&g_registry), Address(&g_registry) + kRegistryEnds);
  save(Address(&g_registry + 1) - kRegistryEnds, Address(&g_registry + 1));
  save(Address(&g_page_map), Address(&g_page_map + 1));
  save(Address(&g_page_supply), Address(&g_page_supply + 1));
  save(Address(&g_totals), Address(&g_totals + 1));
  save(Address(&g_janitor), Address(&g_janitor + 1));
  save(Address(&g_large_blocks), Address(&g_large_blocks + 1));
  save(Address(&g_budget), Address(&g_budget + 1));
  save(Address(&g_tick), Address(&g_tick + 1));
  save(Address(&g_sampled), Address(&g_sampled + 1));
  g_page_map.ForEach([&](Interval range, Owner) { save(range.begin, range.end); });
}

void EngineProgram::RestoreState(const std::vector<Saved>& state) {
  for (const Saved& saved : state) {
    memcpy(reinterpret_cast<void*>(saved.begin), saved.bytes.data(), saved.bytes.size());
  }
}

void EngineProgram::Become(unsigned i) { BecomeOwnerOf(heaps_[i]); }

// All blocks of a new page of the heap that the context has.
std::vector<void*> EngineProgram::AllocatePage() {
  std::vector<void*> all = {mymalloc::Allocate(1)};
  const PageHeader* const page = PageOf(all[0]);
  while (page->free_count != 0 || CurrentHeap()->magazine(kClass).Valid() != 0) {
    all.push_back(mymalloc::Allocate(1));
  }
  return all;
}

void EngineProgram::GiveBack(const std::vector<void*>& blocks) {
  for (void* block : blocks) mymalloc::Free(block);
  CurrentHeap()->Flush();
  // Which left the magazine with no room.
  Magazine& m = CurrentHeap()->magazine(kClass);
  while (m.Depth() < kDepth) m.Deepen(kClass);
}

std::vector<void*> EngineProgram::MakeFullPage(unsigned i, unsigned free) {
  Become(i);
  std::vector<void*> all = AllocatePage();
  const std::vector<void*> rest(all.end() - free, all.end());
  all.resize(all.size() - free);
  GiveBack(rest);
  live_.insert(live_.end(), all.begin(), all.end());
  return all;
}

std::vector<void*> EngineProgram::MakePage(unsigned i, const std::vector<unsigned>& slots) {
  Become(i);
  std::vector<void*> rest = AllocatePage();
  const PageHeader* const page = PageOf(rest[0]);
  std::vector<void*> kept;
  for (const unsigned slot : slots) {
    kept.push_back(reinterpret_cast<void*>(page->Block(SlotIndex(slot))));
    rest.erase(std::find(rest.begin(), rest.end(), kept.back()));
  }
  GiveBack(rest);
  live_.insert(live_.end(), kept.begin(), kept.end());
  return kept;
}

PageHeader* EngineProgram::PageOf(void* block) const {
  return HeaderOf(Address(block), Tag::Of(Address(block)));
}

void* EngineProgram::Allocate() {
  void* const block = mymalloc::Allocate(1);
  if (std::find(live_.begin(), live_.end(), block) != live_.end()) Fail("a block is in two hands");
  live_.push_back(block);
  return block;
}

void EngineProgram::Forget(void* block) {
  live_.erase(std::find(live_.begin(), live_.end(), block));
}

void EngineProgram::Free(void* block) {
  Forget(block);
  mymalloc::Free(block);
}

void EngineProgram::Exit() { g_outside.thread_exit(CurrentHeap()); }

void EngineProgram::AddOwner(unsigned i, std::function<void()> body) {
  program_.threads.push_back(std::move(body));
  program_.local_values.push_back(LocalsOf(heaps_[i]));
}

void EngineProgram::AddStranger(std::function<void()> body) {
  program_.threads.push_back(std::move(body));
  program_.local_values.push_back({0, 0});
}

void EngineProgram::Watch(uintptr_t begin, size_t bytes, const std::string& name) {
  program_.watched.push_back({begin, begin + bytes, name});
}

void EngineProgram::WatchHeap(unsigned i) {
  const uintptr_t begin = Address(&heap(i).lock());
  Watch(begin, Address(&heap(i) + 1) - begin, "heap" + std::to_string(i));
}

void EngineProgram::WatchMagazine(unsigned i) {
  Watch(Address(&heap(i).magazine(kClass)), sizeof(Magazine), "magazine" + std::to_string(i));
}

void EngineProgram::WatchPage(void* block, bool may_come_back) {
  const uintptr_t begin = Address(&PageOf(block)->remote);
  const uintptr_t end = Address(PageOf(block) + 1);
  Watch(begin, end - begin, "page");
  if (!may_come_back) headers_.push_back({begin, end, "page"});
}

void EngineProgram::WatchTag(void* block) { Watch(Address(block) - kTagBytes, kTagBytes, "tag"); }

void EngineProgram::WatchRegistry() { Watch(Address(&g_registry), sizeof(Registry), "registry"); }

// A page's header may be touched only while the page map says that there is a page.
const char* EngineProgram::Objection(uintptr_t address) const {
  for (const Range& range : headers_) {
    if (address - range.begin >= range.end - range.begin) continue;
    Interval page;
    Owner owner;
    if (!g_page_map.Find(address, &page, &owner)) return "a page that is gone is touched:";
  }
  return nullptr;
}

void EngineProgram::Check() {
  for (void* block : live_) {
    const bool free = PageOf(block)->free.Test(Tag::Of(Address(block)).slot());
    // Which is to be handed out again.
    if (free) Fail("a live block is free in its page's bitmap");
  }
  for (HeapId id = kFirstHeap; id <= g_registry.HighestId(); ++id) {
    if (g_heaps[id]->magazine(kClass).Valid() > kDeepestMagazine) Fail("a magazine has no end");
  }
  for (HeapId id = kFirstHeap; id <= g_registry.HighestId(); ++id) {
    BecomeOwnerOf(g_heaps[id]);
    g_heaps[id]->Flush();
  }
  // What the gathers held is on the lists now.
  for (HeapId id = kFirstHeap; id <= g_registry.HighestId(); ++id) g_heaps[id]->Settle();
  if (const char* wrong = VerifyHeap()) Fail(std::string("the verifier says: ") + wrong);
  size_t taken = 0;
  g_page_map.ForEach([&](Interval, Owner owner) {
    taken += owner.page()->capacity - size_t{owner.page()->free_count};
  });
  if (taken > live_.size()) Fail("a block was lost");
  if (taken < live_.size()) Fail("a live block is free");
  if (g_outside.reports != expected_reports_) {
    Fail(std::to_string(g_outside.reports) + " reports instead of " +
         std::to_string(expected_reports_));
  }
}

Result EngineProgram::Explore() {
  SaveState(&initial_);
  initial_live_ = live_;
  live_.reserve(64);
  return interleave::Explore(program_);
}

}  // namespace mymalloc::interleave
