// Statistics for the program and for people: as a struct, as text, JSON, and Prometheus' format.

#ifndef MYMALLOC_ANSWER_STATS_H_
#define MYMALLOC_ANSWER_STATS_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/option_types.h"
#include "mymalloc/mymalloc.h"
#include "mymalloc/report/statistics.h"

namespace mymalloc {

using Stats = mymalloc_statistics;

// All but struct_size.
Stats StatsOf(const Census& census);
mymalloc_class_stats StatsOf(const Census& census, SizeClass c);

// False if there was no census, and nothing was printed. As text where the format is none.
bool PrintStats(int fd, PrintedStats format, Patience patience = Patience::kWaits);

}  // namespace mymalloc

#endif  // MYMALLOC_ANSWER_STATS_H_
