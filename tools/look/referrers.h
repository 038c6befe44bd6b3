// Who points to a block.

#ifndef MYMALLOC_TOOLS_LOOK_REFERRERS_H_
#define MYMALLOC_TOOLS_LOOK_REFERRERS_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "tools/look/heap_model.h"
#include "tools/look/target.h"
#include "tree/interval.h"

namespace mymalloc::look {

// What is the heap's, used or not, and the allocator's own: joined, in address order.
std::vector<Interval> OwnRanges(const HeapModel& model);

// The memory in which a program keeps pointers: what it can write, but for the allocator's own and
// what is free.
//
// Its static data, stacks and other mappings: no heap memory, in address order.
std::vector<Interval> StaticMemory(const Target& target, const HeapModel& model);

// Calls visit(address, word) for each aligned word of a range that can be read.
using VisitWord = std::function<void(uint64_t address, uint64_t word)>;
void ForEachWordIn(const Memory& memory, const Interval& range, const VisitWord& visit);

struct Referrer {
  uint64_t address = 0;  // of the word
  uint64_t word = 0;
};

// Words in live blocks and elsewhere that lie within `block`; at most so many.
std::vector<Referrer> FindReferrers(const Target& target, const HeapModel& model,
                                    const Interval& block, size_t most);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_REFERRERS_H_
