// How a snapshot lies in its file:
//
//   SnapshotHeader | pieces, compressed | SnapshotPiece[] | mappings, as /proc/PID/maps has them |
//   program's path | ThreadRecord[], each with its vector registers

#ifndef MYMALLOC_TOOLS_LOOK_SNAPSHOT_FORMAT_H_
#define MYMALLOC_TOOLS_LOOK_SNAPSHOT_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/look/mappings.h"
#include "tools/look/target.h"
#include "tree/interval.h"

namespace mymalloc::look {

struct SnapshotHeader {
  static constexpr char kMagic[16] = "mymalloc-snap-2";
  static constexpr char kAnyVersion[] = "mymalloc-snap-";
  static constexpr uint64_t kMostPieces = uint64_t{1} << 32;
  static constexpr uint64_t kMostText = uint64_t{1} << 28;
  static constexpr uint64_t kMostThreads = uint64_t{1} << 20;

  char magic[16];
  uint64_t pid;
  uint64_t pieces_at;  // where in the file, here and below
  uint64_t pieces;     // how many
  uint64_t mappings_at;
  uint64_t mappings_bytes;
  uint64_t program_at;
  uint64_t program_bytes;
  uint64_t threads_at;
  uint64_t threads;
};

// Memory at a multiple of kBytes. All zero if it is in no piece, but in a mapping.
struct SnapshotPiece {
  static constexpr size_t kBytes = 64 << 10;

  uint64_t address;
  uint64_t offset;
  uint32_t stored;  // bytes in the file: kBytes if it is not compressed
  uint32_t reserved;
};

struct ThreadRecord {
  static constexpr size_t kVectors = Thread::kVectorWords;

  uint64_t id;
  uint64_t words[Thread::kWords];
  uint64_t vectors[kVectors];
};

// Of which mappings the memory is kept; the rest is in files. In address order.
std::vector<Interval> KeptRanges(const Mappings& mappings);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_SNAPSHOT_FORMAT_H_
