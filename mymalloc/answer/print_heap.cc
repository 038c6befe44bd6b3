#include "mymalloc/answer/print_heap.h"

#include "mymalloc/answer/out.h"
#include "mymalloc/answer/snapshot.h"
#include "mymalloc/answer/stats.h"

namespace mymalloc {
namespace {

constexpr char kLegend[] =
    "slots: # live, = the same block goes on, . free, c held by a thread, q in quarantine,\n"
    "       - never used, ! its tag was overwritten, H the page's own\n";

char Symbol(unsigned state) {
  switch (state) {
    case MYMALLOC_LIVE:
      return '#';
    case MYMALLOC_FREE:
      return '.';
    case MYMALLOC_CACHED:
      return 'c';
    case MYMALLOC_QUARANTINED:
      return 'q';
    case MYMALLOC_NEVER_USED:
      return '-';
    case MYMALLOC_OVERWRITTEN:
      return '!';
    case Snapshot::kContinues:
      return '=';
    default:
      return 'H';
  }
}

const char* NameOf(mymalloc_state state) {
  return state == MYMALLOC_LIVE          ? "live"
         : state == MYMALLOC_QUARANTINED ? "freed, kept from use"
                                         : "free";
}

void PrintPage(const Snapshot::Page& page, Out& out) {
  constexpr unsigned kSlotsOfLine = 64;
  const SizeClass c(page.size_class);
  out.Text("page ").Hex(page.page).Text(": class ").Decimal(page.size_class);
  out.Text(", slots of ").Decimal(StrideOf(c)).Text(" bytes, heap ").Decimal(page.heap);
  for (SlotIndex slot = kFirstSlot; slot < page.slots_end(); ++slot) {
    if (slot.value() % kSlotsOfLine == 0) out.Text("\n  ");
    out.Char(Symbol(page.StateAt(slot)));
  }
  out.Text("\n");
}

void PrintOther(const mymalloc_info& block, Out& out) {
  out.Text(block.kind == MYMALLOC_SAMPLED ? "sampled block " : "large block ");
  out.Hex(reinterpret_cast<uintptr_t>(block.base)).Text(": ");
  out.Decimal(block.usable_size).Text(" bytes");
  if (block.asked_size != MYMALLOC_UNKNOWN_SIZE) {
    out.Text(", asked for ").Decimal(block.asked_size);
  }
  out.Text(", ").Text(NameOf(block.state)).Text("\n");
}

}  // namespace

bool PrintHeap(int fd) {
  {
    const Snapshot snapshot;
    if (!snapshot.taken()) return false;
    Out out(fd);
    out.Text(kLegend);
    snapshot.ForEach(
        [&out](const Snapshot::Page& page) {
          PrintPage(page, out);
          return true;
        },
        [&out](const mymalloc_info& block) {
          PrintOther(block, out);
          return true;
        });
  }
  return PrintStats(fd, PrintedStats::kText);
}

}  // namespace mymalloc
