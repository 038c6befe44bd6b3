#include "tools/look/block_graph.h"

#include <algorithm>
#include <utility>

namespace mymalloc::look {
namespace {

constexpr size_t kMostAtOnce = 4 * kMiB;

}  // namespace

BlockGraph::BlockGraph(const Memory& memory, const HeapModel& model, const BlockIndex& index) {
  first_.reserve(size_t{index.size()} + 1);
  std::vector<uint64_t> words;  // of a page
  std::vector<uint64_t> apart;  // of a block by itself
  // In pieces, as blocks and pages may be of any length.
  const auto read_block = [&](const Block& block, Number number) {
    first_.push_back(targets_.size());
    for (uint64_t done = 0; done < block.usable; done += kMostAtOnce) {
      const size_t count = std::min<uint64_t>(kMostAtOnce, block.usable - done) / sizeof(uint64_t);
      apart.resize(std::max(apart.size(), count));
      if (!memory.Read(block.address + done, apart.data(), count * sizeof(uint64_t))) continue;
      AddWords(apart.data(), count, index, number);
    }
  };
  for (const Page& page : model.pages) {
    Number number = index.FirstIn(page);
    const bool whole = !IsRunClass(SizeClass(page.size_class));
    const uint64_t used =
        std::min<uint64_t>(uint64_t{page.high_water} * page.stride, page.range.length());
    words.resize(std::max<size_t>(words.size(), used / sizeof(uint64_t)));
    const bool read = whole && memory.Read(page.range.begin, words.data(), used);
    ForEachLiveIn(page, [&](unsigned slot) {
      const Block block = model.BlockAt(page, slot);
      const uint64_t at = block.address - page.range.begin;
      if (!read || at + block.usable > used) return read_block(block, number++);
      first_.push_back(targets_.size());
      AddWords(&words[at / sizeof(uint64_t)], block.usable / sizeof(uint64_t), index, number++);
    });
  }
  Number number = index.FirstOther();
  for (const Block& block : index.others()) read_block(block, number++);
  first_.push_back(targets_.size());
}

// A block that is pointed to twice in a row, by begin and end, is noted once.
void BlockGraph::AddWords(const uint64_t* words, size_t count, const BlockIndex& index,
                          Number from) {
  Number last = from;
  for (size_t i = 0; i < count; ++i) {
    const Number to = index.Find(words[i]);
    if (to == BlockIndex::kNone || to == last || to == from) continue;
    targets_.push_back(to);
    last = to;
  }
}

void MarkReachable(const BlockGraph& graph, std::vector<BlockIndex::Number> from,
                   std::vector<bool>* marked) {
  while (!from.empty()) {
    const BlockIndex::Number block = from.back();
    from.pop_back();
    if ((*marked)[block]) continue;
    (*marked)[block] = true;
    for (const BlockIndex::Number* to = graph.begin(block); to != graph.end(block); ++to) {
      if (!(*marked)[*to]) from.push_back(*to);
    }
  }
}

}  // namespace mymalloc::look
