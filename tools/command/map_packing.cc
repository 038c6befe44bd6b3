#include "tools/command/map_packing.h"

#include <algorithm>

#include "mymalloc/base/units.h"

namespace mymalloc::command {
namespace {

constexpr size_t kStates = kSlotStates.size();
constexpr uint64_t kLongestStride = 1 << 20;  // Beyond it nothing of the page is believed.
constexpr int kTypesFollow = 16;
constexpr size_t kLongRun = 31;  // in five bits: a byte with the length follows

using States = std::basic_string<uint8_t>;

void AppendByte(size_t value, std::string* bytes) { *bytes += static_cast<char>(value); }

void AppendVarint(uint64_t value, std::string* bytes) {
  for (; value >= 0x80; value >>= 7) AppendByte((value & 0x7f) | 0x80, bytes);
  AppendByte(value, bytes);
}

// By letters.
constexpr std::array<uint8_t, 128> StateNumbers() {
  std::array<uint8_t, 128> numbers = {};
  for (uint8_t i = 0; i < kStates; ++i) numbers[static_cast<uint8_t>(kSlotStates[i])] = i;
  return numbers;
}

States NumbersOf(const std::string& letters) {
  constexpr auto kNumbers = StateNumbers();
  States states;
  for (const char letter : letters) states += kNumbers[static_cast<uint8_t>(letter) % 128];
  return states;
}

void AppendCounts(const States& states, std::string* bytes) {
  size_t counts[kStates] = {};
  for (const uint8_t state : states) ++counts[state];
  size_t present = 0;
  for (size_t i = 0; i < kStates; ++i) present |= size_t{counts[i] != 0} << i;
  AppendByte(present, bytes);
  for (size_t i = 0; present >> i > 1; ++i) {
    if (counts[i] != 0) AppendByte(counts[i] - 1, bytes);
  }
}

std::string Runs(const States& states) {
  std::string bytes(1, '\0');
  for (size_t begin = 0; begin < states.size();) {
    const size_t end = std::min(states.find_first_not_of(states[begin], begin), states.size());
    const size_t more = end - begin - 1;
    AppendByte(size_t{states[begin]} << 5 | std::min(more, kLongRun), &bytes);
    if (more >= kLongRun) AppendByte(more, &bytes);
    begin = end;
  }
  return bytes;
}

std::string Bits(const States& states) {
  States palette = states;
  std::sort(palette.begin(), palette.end());
  palette.erase(std::unique(palette.begin(), palette.end()), palette.end());
  const size_t bits = palette.size() <= 2 ? 1 : palette.size() <= 4 ? 2 : 3;
  std::string bytes;
  AppendByte(bits, &bytes);
  AppendByte(palette.size(), &bytes);
  for (const uint8_t state : palette) AppendByte(state, &bytes);
  const size_t front = bytes.size();
  bytes.resize(front + (states.size() * bits + 7) / 8);
  for (size_t i = 0; i < states.size() * bits; ++i) {
    const size_t index = palette.find(states[i / bits]);
    const size_t bit = index >> (i % bits) & 1;
    char& byte = bytes[front + i / 8];
    byte = static_cast<char>(static_cast<uint8_t>(byte) | bit << (i % 8));
  }
  return bytes;
}

void AppendTypes(const std::vector<TypeRun>& types, std::string* chunk) {
  AppendVarint(types.size(), chunk);
  uint32_t before = 0;
  for (const TypeRun& run : types) {
    AppendVarint(run.slot - before, chunk);
    AppendVarint(uint64_t{run.type} << 1 | (run.blocks > 1 ? 1 : 0), chunk);
    if (run.blocks > 1) AppendVarint(run.blocks - 1, chunk);
    before = run.slot;
  }
}

void AppendDetails(const MappedPage& page, const States& states, std::string* chunk) {
  std::string bytes = Runs(states);
  const size_t shortest_bits = 3 + states.size() / 8;
  if (bytes.size() > shortest_bits) {
    const std::string bits = Bits(states);
    if (bits.size() < bytes.size()) bytes = bits;
  }
  if (!page.types.empty()) bytes[0] = static_cast<char>(bytes[0] | kTypesFollow);
  *chunk += bytes;
  if (!page.types.empty()) AppendTypes(page.types, chunk);
}

// Whether the end of the slot before this one is a tag that is needed.
bool HasTag(const MappedPage& page, uint64_t slot) {
  constexpr absl::string_view kWithTag = "LRCQ";
  return slot < page.states.size() && kWithTag.find(page.states[slot]) != absl::string_view::npos;
}

}  // namespace

uint64_t LooseBytes(const MappedPage& page) {
  const uint64_t stride = page.stride;
  if (stride > kLongestStride) return 0;
  const uint64_t bytes = stride * page.states.size();
  uint64_t loose = 0;
  for (uint64_t begin = 0; begin < bytes; begin += kPageUnit) {
    const uint64_t end = std::min<uint64_t>(begin + kPageUnit, bytes);
    bool held = end % stride == 0 && HasTag(page, end / stride);
    uint64_t free = 0;
    for (uint64_t slot = begin / stride; slot * stride < end; ++slot) {
      const char state = page.states[slot];
      held = held || (state != 'F' && state != 'c');
      if (state == 'F') free += std::min(end, (slot + 1) * stride) - std::max(begin, slot * stride);
    }
    if (!held) loose += free;
  }
  return loose;
}

uint32_t MapPacker::NumberOf(const Kind& kind) {
  const auto added = kind_numbers_.emplace(kind, kinds_.size());
  if (added.second) kinds_.push_back(kind);
  return added.first->second;
}

uint32_t MapPacker::NumberOfHeap(uint32_t heap) {
  const auto added = heap_numbers_.emplace(heap, heaps_.size());
  if (added.second) heaps_.push_back(heap);
  return added.first->second;
}

void MapPacker::Add(const MappedPage& page) {
  const States states = NumbersOf(page.states);
  const auto slots = static_cast<uint32_t>(states.size());
  AppendVarint(page.address - last_address_, &summary_);
  AppendVarint(NumberOf({page.size_class, page.stride, slots}), &summary_);
  AppendVarint(NumberOfHeap(page.heap), &summary_);
  AppendCounts(states, &summary_);
  AppendVarint(LooseBytes(page) / 16, &summary_);
  last_address_ = page.address;
  if (page_count_++ % kPagesPerChunk == 0) chunks_.emplace_back();
  AppendDetails(page, states, &chunks_.back());
}

}  // namespace mymalloc::command
