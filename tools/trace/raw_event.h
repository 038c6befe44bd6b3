// What the recorder writes and tools/trace/pack.py reads: one record that says what it is, the
// events, and zero bytes to the end.

#ifndef TOOLS_TRACE_RAW_EVENT_H_
#define TOOLS_TRACE_RAW_EVENT_H_

#include <stdint.h>

namespace trace {

// Also the codes in a packed trace.
enum class Op : uint32_t { kMalloc = 0, kCalloc = 1, kRealloc = 2, kFree = 3, kAligned = 4 };

struct RawEvent {
  uint64_t result;
  uint64_t size;
  uint64_t argument;  // The old address of realloc and free, or the alignment.
  uint32_t thread;
  uint32_t op;
};
static_assert(sizeof(RawEvent) == 32, "pack.py reads records of 32 bytes");

inline constexpr char kRawMagic[sizeof(RawEvent)] = "malloc events, recorded, 1\n";

}  // namespace trace

#endif  // TOOLS_TRACE_RAW_EVENT_H_
