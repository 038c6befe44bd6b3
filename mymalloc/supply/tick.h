// The time by which memory is given back: ticks of half a decay period. The janitor counts them.

#ifndef MYMALLOC_SUPPLY_TICK_H_
#define MYMALLOC_SUPPLY_TICK_H_

#include <atomic>
#include <cstdint>

namespace mymalloc {

// It wraps around.
inline std::atomic<uint16_t> g_tick __attribute__((visibility("hidden"))){0};

inline uint16_t CurrentTick() { return g_tick.load(std::memory_order_relaxed); }

}  // namespace mymalloc

#endif  // MYMALLOC_SUPPLY_TICK_H_
