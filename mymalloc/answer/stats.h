// Statistics for the program and for people: as a struct, as text, JSON, and Prometheus' format.

#ifndef MYMALLOC_ANSWER_STATS_H_
#define MYMALLOC_ANSWER_STATS_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/mymalloc.h"
#include "mymalloc/report/statistics.h"

namespace mymalloc {

using Stats = mymalloc_statistics;

// All but struct_size.
Stats StatsOf(const Census& census);
mymalloc_class_stats StatsOf(const Census& census, SizeClass c);

enum class StatsFormat : uint8_t { kText, kJson, kPrometheus };

// False if there was no census, and nothing was printed. `patient`: see Census.
bool PrintStats(int fd, StatsFormat format, bool patient = true);

}  // namespace mymalloc

#endif  // MYMALLOC_ANSWER_STATS_H_
