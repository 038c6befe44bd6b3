// Heaps as no process had them, of any size, for tests of the map.

#ifndef MYMALLOC_TESTS_COMMAND_SAMPLE_MAP_H_
#define MYMALLOC_TESTS_COMMAND_SAMPLE_MAP_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "tools/command/heap_map.h"

namespace mymalloc::test {

// The n-th page of a heap that is the same each time: full, half full, sparse, idle and untouched
// pages of many classes, runs, and blocks whose types are known. `after`: where the one before
// ended.
command::MappedPage SamplePage(size_t n, uint64_t after);

// The types of a page's blocks, one by one.
std::map<uint32_t, std::string> TypesBySlot(const command::HeapMap& map,
                                            const command::MappedPage& page);

// A heap of so many pages, with large blocks and free ranges.
command::HeapMap SampleMap(size_t pages);

// Of addresses, lengths and names as only a heap could have that was overwritten.
command::HeapMap HostileMap();

// All of such a heap but its pages.
command::HeapMap SampleMapWithoutPages(size_t pages);

// A file that is a page of so many pages' map, packed one by one.
std::string SampleMapPage(size_t pages);

// As `mymalloc map --json` writes it.
std::string JsonOf(const command::HeapMap& map);

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_COMMAND_SAMPLE_MAP_H_
