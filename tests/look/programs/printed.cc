// Has things of each type that mymalloc-gdb.py prints, and aborts: for a debugger. With debug
// information, and the allocator in itself.

#define MYMALLOC_LINKED

#include <cstdint>
#include <cstdlib>

#include "mymalloc/heap/heap.h"
#include "mymalloc/large/large.h"
#include "mymalloc/mymalloc.h"
#include "mymalloc/page/page.h"
#include "mymalloc/supply/page_map.h"

namespace {

constexpr int kBlocks = 9;
constexpr size_t kBytes = 72;

uintptr_t ToAddress(void* block) { return reinterpret_cast<uintptr_t>(block); }

}  // namespace

mymalloc::Tag g_tag;
mymalloc::Tag g_free_tag;
mymalloc::Tag g_run_tag;
mymalloc::Tag g_no_tag;
mymalloc::SizeClass g_class;
mymalloc::PageHeader* g_page;
mymalloc::Heap* g_heap;
mymalloc_info g_info;
mymalloc_info g_freed_info;
mymalloc_statistics g_stats;
mymalloc_thread_counts* g_counts;
mymalloc::LargeBlock g_large;
void* g_blocks[kBlocks];

int main() {
  for (void*& block : g_blocks) block = mymalloc_malloc(kBytes);
  void* const run = mymalloc_malloc(100000);
  g_tag = mymalloc::Tag::Of(ToAddress(g_blocks[0]));
  g_run_tag = mymalloc::Tag::Of(ToAddress(run));
  g_class = g_tag.size_class();
  g_page = mymalloc::HeaderOf(ToAddress(g_blocks[0]), g_tag);
  g_heap = mymalloc::g_heaps[g_page->heap()];
  mymalloc_find(g_blocks[0], &g_info);
  mymalloc_free(g_blocks[kBlocks - 1]);
  g_free_tag = mymalloc::Tag::Of(ToAddress(g_blocks[kBlocks - 1]));
  mymalloc_find(g_blocks[kBlocks - 1], &g_freed_info);
  g_large.block = 0x10000;
  g_large.end = 0x10000 + (3 << 20);
  g_large.requested = 3 << 20;
  g_large.live = true;
  g_stats.struct_size = sizeof(g_stats);
  mymalloc_stats(&g_stats);
  g_counts = mymalloc_count_thread();
  mymalloc_free(mymalloc_malloc(kBytes));
  std::abort();
}
