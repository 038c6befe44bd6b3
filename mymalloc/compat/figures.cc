#include "mymalloc/compat/figures.h"

#include "mymalloc/mymalloc.h"

namespace mymalloc::compat {
namespace {

// As several threads may ask, what they are told is of one moment only by chance: as with jemalloc.
Figures g_figures;
bool g_fresh = false;

}  // namespace

void Refresh() {
  mymalloc_statistics stats = {};
  stats.struct_size = sizeof(stats);
  // Without the library there is nothing to tell.
  if (mymalloc_stats == nullptr || mymalloc_stats(&stats) != 0) return;
  Figures figures;
  figures.allocated = stats.live_bytes;
  figures.dirty = stats.supply_bytes + stats.held_large_bytes;
  figures.active = stats.live_bytes + stats.free_bytes - figures.dirty;
  figures.metadata = stats.metadata_bytes;
  figures.resident = stats.resident_bytes;
  figures.retained = stats.unused_bytes;
  figures.mapped = stats.mapped_bytes - stats.unused_bytes;
  g_figures = figures;
  g_fresh = true;
}

Figures Current() {
  if (!g_fresh) Refresh();
  return g_figures;
}

}  // namespace mymalloc::compat
