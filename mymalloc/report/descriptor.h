// What the library shows to a reader from outside (tools/look): where its globals lie, and whether
// the reader's own build has the same layout. The process itself never looks at it.
//
// It is found by the name of its symbol, mymalloc_descriptor; where the program has no such name to
// be found by (linked statically, and stripped), by its magic and its own address behind that.

#ifndef MYMALLOC_REPORT_DESCRIPTOR_H_
#define MYMALLOC_REPORT_DESCRIPTOR_H_

#include <cstddef>
#include <cstdint>

namespace mymalloc {

class LargeBlocks;
class PageMap;
class PageSupply;
class Registry;
class SampledBlocks;
struct Options;
struct TagSecret;

// Fields are only ever added, at the end: all readers understand the begin.
struct Descriptor {
  static constexpr uint64_t kMagic[2] = {0xb3a19c57e2d4806f, 0x6c4df0978e2b15a3};
  static constexpr size_t kAlignment = 64;
  static constexpr size_t kVersionCapacity = 32;

  uint64_t magic[2];
  const Descriptor* self;
  uint64_t bytes;  // of this struct
  char version[kVersionCapacity];
  uint64_t fingerprint;  // Layout::Fingerprint()

  const PageMap* page_map;
  const PageSupply* page_supply;
  const Registry* registry;
  const void* heaps;  // Heap*, by their ids
  const LargeBlocks* large_blocks;
  const SampledBlocks* sampled;
  const TagSecret* tag_secret;
  const Options* options;
  const void* chunk_window;  // uintptr_t
  const void* chunk_table;   // a byte for each granule
  const void* metadata;      // const os::MetadataRange*, the newest
};

}  // namespace mymalloc

extern "C" __attribute__((visibility("default"))) const mymalloc::Descriptor mymalloc_descriptor;

#endif  // MYMALLOC_REPORT_DESCRIPTOR_H_
