#include "tools/look/heap_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "mymalloc/report/layout.h"
#include "tools/look/held_blocks.h"
#include "tools/look/page_reader.h"
#include "tools/look/tree_reader.h"

namespace mymalloc::look {
namespace {

constexpr size_t kMostMetadata = 1 << 16;

uint64_t AddressOf(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

class HeapReader {
 public:
  HeapReader(const Target& target, const Descriptor& descriptor, HeapModel* model)
      : memory_(target.memory()), descriptor_(descriptor), model_(model) {}

  void Read() {
    model_->version = descriptor_.version;
    if (!ReadGlobals()) return;
    ReadMetadata();
    ReadChunks();
    ReadOwners();
    ReadFreedLarge();
    ReadFreeRanges();
    ReadHeldBlocks(memory_, descriptor_, model_);
  }

 private:
  bool ReadGlobals() {
    const bool read = memory_.Get(AddressOf(descriptor_.tag_secret), &model_->secret) &&
                      memory_.Get(AddressOf(descriptor_.options), &model_->options);
    if (!read) {
      model_->NoteDamage("the library's own data cannot be read");
      return false;
    }
    const TagSecret& secret = model_->secret;
    if (secret.factor == 0) return false;  // nothing was allocated yet
    const bool most = secret.most == TagSecret::kLowMask || secret.most == TagSecret::kMostNoted;
    if (secret.factor * secret.inverse != 1 || !most) {
      model_->NoteDamage("the secret of the tags is none");
      return false;
    }
    return true;
  }

  // By the chain that leads from each range to the one before.
  void ReadMetadata() {
    uint64_t at = 0;
    if (!memory_.Get(AddressOf(descriptor_.metadata), &at)) return;
    while (at != 0 && model_->metadata.size() < kMostMetadata) {
      os::MetadataRange range;
      if (at % kPageUnit != 0 || !memory_.Get(at, &range) || range.bytes == 0 ||
          range.bytes > kGiB || IsMetadata(at)) {
        return model_->NoteDamage("the chain of metadata leads nowhere");
      }
      model_->metadata.push_back(Interval::From(at, range.bytes));
      at = AddressOf(range.before);
    }
  }
  bool IsMetadata(uint64_t at) const {
    return std::any_of(model_->metadata.begin(), model_->metadata.end(),
                       [at](const Interval& range) { return range.Contains(at); });
  }

  void ReadChunks() {
    uint64_t window = 0;
    std::vector<uint8_t> table(os::kChunkGranules);
    if (!memory_.Get(AddressOf(descriptor_.chunk_window), &window) ||
        !memory_.Read(AddressOf(descriptor_.chunk_table), table.data(), table.size())) {
      return model_->NoteDamage("the table of chunks cannot be read");
    }
    for (size_t i = 0; i < table.size(); ++i) {
      if (table[i] == 0) continue;
      const uint64_t begin = window + i * os::kChunkGranule;
      if (!model_->chunks.empty() && model_->chunks.back().end == begin) {
        model_->chunks.back().end += os::kChunkGranule;
      } else {
        model_->chunks.push_back(Interval::From(begin, os::kChunkGranule));
      }
    }
  }

  // An edit meanwhile shows.
  std::vector<TreeEntry> ReadMap() {
    const uint64_t map = AddressOf(descriptor_.page_map);
    std::vector<TreeEntry> entries;
    uint64_t before = 0;
    uint64_t after = 0;
    memory_.Get(map + Layout::kMapEdits, &before);
    const std::string wrong = ReadTree(memory_, map + Layout::kMapTree, &entries);
    memory_.Get(map + Layout::kMapEdits, &after);
    if (!wrong.empty()) {
      model_->NoteDamage(absl::StrCat("the page map: ", wrong));
    } else if (before != after || before % 2 != 0) {
      model_->NoteDamage("the page map was being edited");
    }
    return entries;
  }

  void ReadOwners() {
    std::vector<PageEntry> pages;
    std::vector<TreeEntry> large;
    for (const TreeEntry& entry : ReadMap()) {
      const Owner owner(entry.value);
      if (owner.sampled()) {
        ReadSampled(entry.range);
      } else if (owner.large() != nullptr) {
        large.push_back({entry.range, AddressOf(owner.large())});
      } else {
        pages.push_back({entry.range, AddressOf(owner.page())});
      }
    }
    ReadPages(memory_, pages, model_);
    ReadLarge(large);
  }

  void ReadLarge(const std::vector<TreeEntry>& entries) {
    struct alignas(LargeBlock) Copy {
      char bytes[sizeof(LargeBlock)];
    };
    std::vector<Copy> copies(entries.size());
    std::vector<Piece> pieces(entries.size());
    for (size_t i = 0; i < entries.size(); ++i) {
      pieces[i] = {entries[i].value, &copies[i], sizeof(Copy), false};
    }
    memory_.ReadEach(&pieces);
    for (size_t i = 0; i < entries.size(); ++i) {
      const auto& record = *reinterpret_cast<const LargeBlock*>(&copies[i]);
      if (!pieces[i].read || !AddLarge(entries[i], record)) {
        model_->NoteDamage(absl::StrCat("the record of the large block at 0x",
                                        absl::Hex(entries[i].range.begin), " is not its own"));
      }
    }
  }

  bool AddLarge(const TreeEntry& entry, const LargeBlock& record) {
    const bool sound = record.range() == entry.range && record.block > record.begin &&
                       record.block < record.end && record.block % kBlockAlignment == 0 &&
                       record.length() > LargeBlock::kFenceBytes &&
                       record.requested <= record.length();
    if (!sound) return false;
    Large large;
    large.range = entry.range;
    large.record = entry.value;
    large.block = record.block;
    large.requested = record.requested;
    large.usable =
        model_->options.check_ends ? record.requested : record.length() - LargeBlock::kFenceBytes;
    // Whatever byte stands there, it is read as a byte.
    large.live = *reinterpret_cast<const unsigned char*>(&record.live) != 0;
    large.mapped = *reinterpret_cast<const unsigned char*>(&record.mapped) != 0;
    model_->large.push_back(large);
    return true;
  }

  void ReadFreedLarge() {
    FreedLarge freed;
    const uint64_t at = AddressOf(descriptor_.large_blocks) + Layout::kFreedLarge;
    if (!memory_.Read(at, static_cast<void*>(&freed), sizeof(freed))) return;
    freed.ForEachHeld([this](const FreedLarge::Record& record) {
      if (record.held.begin >= record.held.end || !record.held.Contains(record.block) ||
          record.usable > record.held.end - record.block) {
        return model_->NoteDamage("the record of a freed large block is none");
      }
      Large large;
      large.range = record.held;
      large.block = record.block;
      large.usable = record.usable;
      large.requested = record.asked;
      large.mapped = record.mapped;
      model_->held_large.push_back(large);
    });
  }

  void ReadSampled(const Interval& range) {
    model_->sampled_range = range;
    uint64_t slots = 0;
    std::vector<SampledSlot> copies(SampledBlocks::kSlots);
    if (!memory_.Get(AddressOf(descriptor_.sampled) + Layout::kSampledSlots, &slots) ||
        !memory_.Read(slots, copies.data(), copies.size() * sizeof(SampledSlot))) {
      return model_->NoteDamage("the sampled blocks cannot be read");
    }
    for (const SampledSlot& slot : copies) {
      if (slot.state == SampledSlot::kUnused) continue;
      const bool sound = range.Contains(slot.block) && slot.size <= KernelPage() &&
                         slot.state <= SampledSlot::kFree;
      if (!sound) {
        model_->NoteDamage("a sampled block is none");
        continue;
      }
      model_->sampled.push_back({slot.block, slot.size, slot.state == SampledSlot::kLive});
    }
    std::sort(model_->sampled.begin(), model_->sampled.end(),
              [](const SampledBlock& a, const SampledBlock& b) { return a.block < b.block; });
  }

  // Those of all ranges that may be resident are told from the others.
  void ReadFreeRanges() {
    const uint64_t supply = AddressOf(descriptor_.page_supply);
    std::vector<TreeEntry> all;
    std::vector<TreeEntry> dirty;
    for (const auto& [offset, entries] :
         {std::make_pair(Layout::kSupplyAll, &all), std::make_pair(Layout::kSupplyDirty, &dirty)}) {
      const std::string wrong = ReadTree(memory_, supply + offset + Layout::kRangesTree, entries);
      if (!wrong.empty()) model_->NoteDamage(absl::StrCat("the free ranges: ", wrong));
    }
    auto next = dirty.begin();
    for (const TreeEntry& entry : all) {
      uint64_t at = entry.range.begin;
      for (; next != dirty.end() && next->range.begin < entry.range.end; ++next) {
        if (next->range.begin < at || next->range.end > entry.range.end) {
          model_->NoteDamage("a dirty range is not free");
          continue;
        }
        if (next->range.begin > at) model_->free_ranges.push_back({{at, next->range.begin}, false});
        model_->free_ranges.push_back({next->range, true});
        at = next->range.end;
      }
      if (at < entry.range.end) model_->free_ranges.push_back({{at, entry.range.end}, false});
    }
  }

  const Memory& memory_;
  const Descriptor& descriptor_;
  HeapModel* const model_;
};

}  // namespace

void ReadHeapOnce(const Target& target, const Descriptor& descriptor, HeapModel* model) {
  *model = HeapModel();
  HeapReader(target, descriptor, model).Read();
}

bool ReadHeapRunning(const Target& target, const Descriptor& descriptor, HeapModel* model) {
  constexpr int kTries = 3;
  for (int i = 0; i < kTries; ++i) {
    ReadHeapOnce(target, descriptor, model);
    if (model->damages == 0) return true;
  }
  return false;
}

void ReadHeap(Target* target, const Descriptor& descriptor, bool stopped, HeapModel* model) {
  if (!target->is_live() || stopped) return ReadHeapOnce(*target, descriptor, model);
  if (ReadHeapRunning(*target, descriptor, model)) return;
  std::string error;
  const std::unique_ptr<Target::Stop> stop = target->StopThreads(&error);
  if (stop != nullptr) ReadHeapOnce(*target, descriptor, model);
}

}  // namespace mymalloc::look
