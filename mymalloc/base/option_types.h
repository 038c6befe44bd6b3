// What the values of options are (base/options.h).

#ifndef MYMALLOC_BASE_OPTION_TYPES_H_
#define MYMALLOC_BASE_OPTION_TYPES_H_

#include <cstddef>
#include <cstdint>

namespace mymalloc {

// What happens when the program misuses the heap.
enum class OnError : uint32_t { kAbort, kWarn, kIgnore };

// Where the kernel may use huge pages: where much memory is used and little of it is free; nowhere;
// everywhere.
enum class HugePages : uint32_t { kAuto, kNever, kAlways };

// Their values as people write them: 64M, 500ms.
struct Bytes {
  uint64_t value;
  bool operator==(Bytes other) const { return value == other.value; }
};
struct Millis {
  uint64_t value;
  static constexpr uint64_t kNever = uint64_t{1} << 62;
  bool operator==(Millis other) const { return value == other.value; }
};

// Of how many allocations, or of how many bytes of them, one is sampled; 0: none is.
struct Sampling {
  uint64_t every;
  bool bytes = false;

  bool operator==(Sampling other) const { return every == other.every && bytes == other.bytes; }
};

// The name of a file; empty: none. A copy, as programs write over their environment (setproctitle).
struct Path {
  static constexpr size_t kCapacity = 512;
  char text[kCapacity] = "";

  bool IsEmpty() const { return text[0] == '\0'; }
  bool operator==(const Path& other) const {
    size_t i = 0;
    while (text[i] != '\0' && text[i] == other.text[i]) ++i;
    return text[i] == other.text[i];
  }
};

// How statistics are printed as the process ends, if at all.
enum class PrintedStats : uint32_t { kNone, kText, kJson, kPrometheus };

// A signal by its number; 0: none.
struct Signal {
  uint32_t number;
  bool operator==(Signal other) const { return number == other.number; }
};

// How much memory: bytes, or so many hundredths of what the process may have. 0: no limit.
struct MemoryLimit {
  uint64_t bytes;
  uint32_t percent;
  bool operator==(MemoryLimit other) const {
    return bytes == other.bytes && percent == other.percent;
  }
};

}  // namespace mymalloc

#endif  // MYMALLOC_BASE_OPTION_TYPES_H_
