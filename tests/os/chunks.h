// What the tests of the chunks share.

#ifndef MYMALLOC_TESTS_OS_CHUNKS_H_
#define MYMALLOC_TESTS_OS_CHUNKS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "gtest/gtest.h"
#include "mymalloc/os/chunks.h"

namespace mymalloc::os {

struct Chunk {
  uintptr_t begin = 0;
  size_t bytes = 0;

  uintptr_t end() const { return begin + bytes; }
};

inline Chunk MapChunk(Chunks& chunks, size_t bytes) {
  Chunk chunk;
  chunk.begin = chunks.Map(bytes, &chunk.bytes);
  return chunk;
}

// What the short way reads of the chunks is not in the object: each test begins anew.
class ChunksTest : public testing::Test {
 protected:
  ChunksTest() {
    g_chunk_window = 0;
    for (std::atomic<uint8_t>& granule : g_chunk_table) granule = 0;
    chunks_.Init(/*scarce=*/false, /*tags_readable=*/true);
  }

  Chunks chunks_;
};

}  // namespace mymalloc::os

#endif  // MYMALLOC_TESTS_OS_CHUNKS_H_
