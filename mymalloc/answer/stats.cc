#include "mymalloc/answer/stats.h"

#include "mymalloc/answer/out.h"
#include "mymalloc/base/syscall.h"
#include "mymalloc/os/chunks.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/supply/budget.h"

namespace mymalloc {
namespace {

// Every figure: its name in the struct and in JSON, its name for Prometheus with its labels,
// whether it only ever grows, and what it is.
struct Figure {
  const char* name;
  const char* family;
  const char* labels;
  const char* help;
  size_t offset;
  bool counts;
};

#define MYMALLOC_GAUGE(field, family, labels, help) \
  { #field, family, labels, help, offsetof(Stats, field), false }
#define MYMALLOC_COUNT(field, family, labels, help) \
  { #field, family, labels, help, offsetof(Stats, field), true }

// Those of a family follow each other.
constexpr Figure kFigures[] = {
    MYMALLOC_GAUGE(live_blocks, "mymalloc_live_blocks", "", "blocks that the program has"),
    MYMALLOC_GAUGE(live_bytes, "mymalloc_live_bytes", "", "their bytes, whole slots and ranges"),
    MYMALLOC_GAUGE(large_blocks, "mymalloc_large_blocks", "", "of these, that lie in no page"),
    MYMALLOC_GAUGE(large_bytes, "mymalloc_large_bytes", "", "their ranges"),
    MYMALLOC_GAUGE(free_bytes, "mymalloc_free_bytes", "", "free, used before"),
    MYMALLOC_GAUGE(magazine_bytes, "mymalloc_free_by_place_bytes", "{place=\"magazines\"}",
                   "free, by where it is"),
    MYMALLOC_GAUGE(spill_bytes, "mymalloc_free_by_place_bytes", "{place=\"spill\"}", ""),
    MYMALLOC_GAUGE(gathered_bytes, "mymalloc_free_by_place_bytes", "{place=\"gathered\"}", ""),
    MYMALLOC_GAUGE(quarantine_bytes, "mymalloc_free_by_place_bytes", "{place=\"quarantine\"}", ""),
    MYMALLOC_GAUGE(page_bytes, "mymalloc_free_by_place_bytes", "{place=\"pages\"}", ""),
    MYMALLOC_GAUGE(supply_bytes, "mymalloc_free_by_place_bytes", "{place=\"supply\"}", ""),
    MYMALLOC_GAUGE(held_large_bytes, "mymalloc_free_by_place_bytes", "{place=\"held_large\"}", ""),
    MYMALLOC_GAUGE(given_back_bytes, "mymalloc_given_back_bytes", "",
                   "of what is free, not resident"),
    MYMALLOC_GAUGE(unused_bytes, "mymalloc_unused_bytes", "", "address space that is not used"),
    MYMALLOC_GAUGE(resident_bytes, "mymalloc_resident_bytes", "", "what may be resident"),
    MYMALLOC_GAUGE(metadata_bytes, "mymalloc_metadata_bytes", "", "the allocator's own"),
    MYMALLOC_GAUGE(mapped_bytes, "mymalloc_mapped_bytes", "", "address space of all kinds"),
    MYMALLOC_GAUGE(pages, "mymalloc_pages", "", "pages of slots"),
    MYMALLOC_GAUGE(heaps, "mymalloc_heaps", "", "heaps, one for each thread"),
    MYMALLOC_GAUGE(parked_heaps, "mymalloc_parked_heaps", "", "of these, without a thread"),
    MYMALLOC_GAUGE(soft_limit, "mymalloc_soft_limit_bytes", "", "0: none"),
    MYMALLOC_GAUGE(hard_limit, "mymalloc_hard_limit_bytes", "", "0: none"),
    MYMALLOC_COUNT(slow_allocations, "mymalloc_slow_allocations_total", "",
                   "allocations for which nothing was at hand"),
    MYMALLOC_COUNT(slow_frees, "mymalloc_slow_frees_total", "", "frees that had to make room"),
    MYMALLOC_COUNT(new_pages, "mymalloc_new_pages_total", "", "pages made"),
    MYMALLOC_COUNT(map_calls, "mymalloc_kernel_calls_total", "{call=\"mmap\"}",
                   "calls of the kernel"),
    MYMALLOC_COUNT(unmap_calls, "mymalloc_kernel_calls_total", "{call=\"munmap\"}", ""),
    MYMALLOC_COUNT(purge_calls, "mymalloc_kernel_calls_total", "{call=\"madvise\"}", ""),
    MYMALLOC_COUNT(purged_bytes, "mymalloc_purged_bytes_total", "", "given back so far"),
};
constexpr size_t kFigureCount = sizeof(kFigures) / sizeof(kFigures[0]);
static_assert(sizeof(Stats) == (kFigureCount + 1) * sizeof(uint64_t), "each has its line");

uint64_t ValueOf(const Stats& stats, const Figure& figure) {
  uint64_t value;
  __builtin_memcpy(&value, reinterpret_cast<const char*>(&stats) + figure.offset, sizeof(value));
  return value;
}

size_t FreeBytes(const mymalloc_class_stats& s) { return s.held_bytes + s.free_bytes; }

// Calls visit(number, stats) for each class that has a page.
template <typename Visit>
void ForEachClass(const Census& census, Visit&& visit) {
  for (const SizeClass c : EachPageClass()) {
    if (census.Of(c).pages != 0) visit(c.value(), StatsOf(census, c));
  }
}

template <typename Visit>
void ForEachHeap(const Census& census, Visit&& visit) {
  for (HeapId id = kFirstHeap; id <= census.highest(); ++id) visit(id.value(), census.Of(id));
}

// ---- Text ----

void PrintText(const Census& census, const Stats& stats, Out& out) {
  out.Text("mymalloc " MYMALLOC_VERSION ", process ");
  out.Decimal(static_cast<uint64_t>(CurrentPid())).Text("\n");
  for (const Figure& figure : kFigures) {
    out.Right(ValueOf(stats, figure), 16).Text("  ").Text(figure.name).Text("\n");
  }
  out.Text(
      " class     slot   pages live blocks   live bytes   held bytes   free bytes  free part\n");
  ForEachClass(census, [&out](unsigned number, const mymalloc_class_stats& s) {
    out.Right(number, 6).Right(s.slot_size, 9).Right(s.pages, 8).Right(s.live_blocks, 12);
    out.Right(s.live_bytes, 13).Right(s.held_bytes, 13).Right(FreeBytes(s) - s.held_bytes, 13);
    out.Text("      ").Ratio(FreeBytes(s), s.live_bytes + FreeBytes(s)).Text("\n");
  });
  out.Text("  heap            pages live blocks   live bytes   held bytes   free bytes\n");
  ForEachHeap(census, [&out](unsigned number, const HeapStatistics& s) {
    out.Right(number, 6).Text(s.parked ? "   parked" : "         ").Right(s.pages, 8);
    out.Right(s.live.blocks, 12).Right(s.live.bytes, 13).Right(s.fast.bytes, 13);
    out.Right(s.rest.bytes, 13).Text("\n");
  });
}

// ---- JSON ----

void PrintJson(const Census& census, const Stats& stats, Out& out) {
  out.Text("{\"version\": \"" MYMALLOC_VERSION "\", \"pid\": ");
  out.Decimal(static_cast<uint64_t>(CurrentPid()));
  for (const Figure& figure : kFigures) {
    out.Text(",\n \"").Text(figure.name).Text("\": ").Decimal(ValueOf(stats, figure));
  }
  out.Text(",\n \"fragmentation\": ");
  out.Ratio(stats.free_bytes - stats.given_back_bytes,
            stats.live_bytes + stats.free_bytes - stats.given_back_bytes);
  out.Text(",\n \"classes\": [");
  const char* separator = "\n  ";
  ForEachClass(census, [&](unsigned number, const mymalloc_class_stats& s) {
    out.Text(separator).Text("{\"class\": ").Decimal(number);
    out.Text(", \"slot_size\": ").Decimal(s.slot_size).Text(", \"pages\": ").Decimal(s.pages);
    out.Text(", \"live_blocks\": ").Decimal(s.live_blocks);
    out.Text(", \"live_bytes\": ").Decimal(s.live_bytes);
    out.Text(", \"held_bytes\": ").Decimal(s.held_bytes);
    out.Text(", \"free_bytes\": ").Decimal(s.free_bytes);
    out.Text(", \"fragmentation\": ").Ratio(FreeBytes(s), s.live_bytes + FreeBytes(s)).Char('}');
    separator = ",\n  ";
  });
  out.Text("],\n \"by_heap\": [");
  separator = "\n  ";
  ForEachHeap(census, [&](unsigned number, const HeapStatistics& s) {
    out.Text(separator).Text("{\"heap\": ").Decimal(number);
    out.Text(", \"parked\": ").Text(s.parked ? "true" : "false");
    out.Text(", \"pages\": ").Decimal(s.pages);
    out.Text(", \"live_blocks\": ").Decimal(s.live.blocks);
    out.Text(", \"live_bytes\": ").Decimal(s.live.bytes);
    out.Text(", \"held_bytes\": ").Decimal(s.fast.bytes);
    out.Text(", \"free_bytes\": ").Decimal(s.rest.bytes).Char('}');
    separator = ",\n  ";
  });
  out.Text("]}\n");
}

// ---- Prometheus ----

void PrintFamily(const char* family, const char* help, bool counts, Out& out) {
  out.Text("# HELP ").Text(family).Char(' ').Text(help).Text("\n# TYPE ").Text(family);
  out.Text(counts ? " counter\n" : " gauge\n");
}

template <typename Value>
void PrintByClass(const Census& census, const char* family, const char* help, Out& out,
                  Value&& value) {
  PrintFamily(family, help, /*counts=*/false, out);
  ForEachClass(census, [&](unsigned number, const mymalloc_class_stats& s) {
    out.Text(family).Text("{class=\"").Decimal(number).Text("\",slot=\"").Decimal(s.slot_size);
    out.Text("\"} ").Decimal(value(s)).Text("\n");
  });
}

template <typename Value>
void PrintByHeap(const Census& census, const char* family, const char* help, Out& out,
                 Value&& value) {
  PrintFamily(family, help, /*counts=*/false, out);
  ForEachHeap(census, [&](unsigned number, const HeapStatistics& s) {
    out.Text(family).Text("{heap=\"").Decimal(number).Text("\"} ").Decimal(value(s)).Text("\n");
  });
}

void PrintPrometheus(const Census& census, const Stats& stats, Out& out) {
  PrintFamily("mymalloc_info", "the version", /*counts=*/false, out);
  out.Text("mymalloc_info{version=\"" MYMALLOC_VERSION "\"} 1\n");
  for (const Figure& figure : kFigures) {
    if (figure.help[0] != '\0') PrintFamily(figure.family, figure.help, figure.counts, out);
    out.Text(figure.family).Text(figure.labels).Char(' ');
    out.Decimal(ValueOf(stats, figure)).Text("\n");
  }
  using Class = mymalloc_class_stats;
  PrintByClass(census, "mymalloc_class_live_blocks", "live blocks by class", out,
               [](const Class& s) { return s.live_blocks; });
  PrintByClass(census, "mymalloc_class_live_bytes", "live bytes by class", out,
               [](const Class& s) { return s.live_bytes; });
  PrintByClass(census, "mymalloc_class_free_bytes", "free bytes by class", out,
               [](const Class& s) { return FreeBytes(s); });
  PrintByHeap(census, "mymalloc_heap_live_bytes", "live bytes by heap", out,
              [](const HeapStatistics& s) { return s.live.bytes; });
  PrintByHeap(census, "mymalloc_heap_free_bytes", "free bytes by heap", out,
              [](const HeapStatistics& s) { return s.fast.bytes + s.rest.bytes; });
}

}  // namespace

Stats StatsOf(const Census& census) {
  const Statistics& s = census.all();
  Stats stats = {};
  stats.live_blocks = s.live.blocks + s.large.blocks;
  stats.live_bytes = s.live.bytes + s.large.bytes;
  stats.large_blocks = s.large.blocks;
  stats.large_bytes = s.large.bytes;
  stats.free_bytes = s.FreeBytes();
  stats.magazine_bytes = s.magazines.bytes;
  stats.spill_bytes = s.spill.bytes;
  stats.gathered_bytes = s.gathered.bytes;
  stats.quarantine_bytes = s.quarantine.bytes;
  stats.page_bytes = s.rest.bytes;
  stats.supply_bytes = s.supply_dirty;
  stats.held_large_bytes = s.large_freed;
  stats.given_back_bytes = s.given_back;
  stats.unused_bytes = s.unused;
  stats.resident_bytes = s.Resident();
  stats.metadata_bytes = s.metadata;
  stats.mapped_bytes = os::g_chunks.mapped() + s.own_mappings + s.metadata_mapped;
  stats.pages = s.pages;
  stats.heaps = census.highest().value();
  ForEachHeap(census, [&stats](unsigned, const HeapStatistics& heap) {
    stats.parked_heaps += heap.parked ? 1U : 0U;
  });
  stats.soft_limit = g_budget.soft_limit();
  stats.hard_limit = g_budget.hard_limit();
  stats.slow_allocations = s.events.allocations;
  stats.slow_frees = s.events.frees;
  stats.new_pages = s.events.new_pages;
  const os::Calls calls = os::CallsSoFar();
  stats.map_calls = calls.maps;
  stats.unmap_calls = calls.unmaps;
  stats.purge_calls = calls.purges;
  stats.purged_bytes = os::ReleasedBytes();
  return stats;
}

mymalloc_class_stats StatsOf(const Census& census, SizeClass c) {
  const ClassStatistics& s = census.Of(c);
  const size_t stride = StrideOf(c);
  return {stride,
          s.pages,
          s.live_blocks,
          s.live_slots * stride,
          s.held_slots * stride,
          s.free_slots * stride};
}

bool PrintStats(int fd, PrintedStats format, Patience patience) {
  const Census census(patience);
  if (!census.taken()) return false;
  const Stats stats = StatsOf(census);
  Out out(fd);
  switch (format) {
    case PrintedStats::kNone:
    case PrintedStats::kText:
      PrintText(census, stats, out);
      break;
    case PrintedStats::kJson:
      PrintJson(census, stats, out);
      break;
    case PrintedStats::kPrometheus:
      PrintPrometheus(census, stats, out);
      break;
  }
  return true;
}

}  // namespace mymalloc
