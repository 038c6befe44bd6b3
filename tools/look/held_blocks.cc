#include "tools/look/held_blocks.h"

#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "mymalloc/report/layout.h"

namespace mymalloc::look {
namespace {

// A heap's begin, with its magazines, and what it has gathered for others.
struct alignas(Heap) HeapCopy {
  char bytes[RoundUp(Layout::kHeapReadBytes, alignof(Heap))];

  template <typename T>
  T At(size_t offset) const {
    T value;
    std::memcpy(&value, bytes + offset, sizeof(T));
    return value;
  }
};

// What a magazine begins with.
struct MagazineEnds {
  uint64_t top;
  uint64_t floor;
  uint64_t limit;
  uint64_t stolen_end;
};

class HeldReader {
 public:
  HeldReader(const Memory& memory, HeapModel* model) : memory_(memory), model_(model) {}

  void ReadHeapAt(uint32_t id, uint64_t address) {
    heap_ = address;
    id_ = id;
    const bool read =
        address % alignof(Heap) == 0 && memory_.Read(address, copy_->bytes, Layout::kHeapReadBytes);
    if (!read || copy_->At<uint32_t>(Layout::kHeapId) != id) {
      return model_->NoteDamage(absl::StrCat("heap ", id, " is none"));
    }
    const bool parked = copy_->At<unsigned char>(Layout::kHeapParked) != 0;
    model_->heaps.push_back({id, address, parked});
    for (const SizeClass c : EachSizeClass()) {
      ReadMagazine(c);
      ReadSpill(c);
    }
    ReadGather();
    ReadQuarantine();
  }

 private:
  void ReadMagazine(SizeClass c) {
    const size_t at = Layout::kHeapMagazines + c.value() * sizeof(Magazine);
    const auto ends = copy_->At<MagazineEnds>(at);
    if (ends.top == 0 && ends.stolen_end == 0) return;  // not used yet
    const uint64_t entries = heap_ + at + Layout::kMagazineEntries;
    const uint64_t end = heap_ + at + sizeof(Magazine);
    const bool sound = ends.stolen_end >= entries && ends.top >= ends.stolen_end &&
                       ends.top <= end && (ends.top - ends.stolen_end) % sizeof(uint64_t) == 0;
    if (!sound) return model_->NoteDamage(absl::StrCat("a magazine of heap ", id_, " has no ends"));
    for (uint64_t entry = ends.stolen_end; entry < ends.top; entry += sizeof(uint64_t)) {
      Hold(BlockOf(copy_->At<uint64_t>(entry - heap_)), c);
    }
  }

  void ReadSpill(SizeClass c) {
    struct {
      uint64_t next;
      uint64_t spilled_at;
      uint64_t entries[Bundle::kBlocks];
    } bundle;
    static_assert(sizeof(bundle) <= sizeof(Bundle) && offsetof(Bundle, entries) == 16, "the same");
    const size_t most = Spill::kMostBytes / (Bundle::kBlocks * StrideOf(c));
    auto at = copy_->At<uint64_t>(Layout::kHeapBundles + c.value() * sizeof(uint64_t));
    for (size_t count = 0; at != 0; at = bundle.next) {
      if (count++ > most || at % alignof(Bundle) != 0 || !memory_.Get(at, &bundle)) {
        return model_->NoteDamage(absl::StrCat("the spill of heap ", id_, " leads nowhere"));
      }
      for (const uint64_t entry : bundle.entries) Hold(BlockOf(entry), c);
    }
  }

  void Hold(uint64_t block, SizeClass c) {
    Page* const page = model_->PageAt(block);
    const bool ours = page != nullptr && page->size_class == c.value() &&
                      (block - page->range.begin) % page->stride == 0;
    if (!ours || !Mark(page, block, &page->cached)) NotHeld(block);
  }

  // False if the slot is not one that can be held.
  static bool Mark(Page* page, uint64_t block, SlotMask* mask) {
    const auto slot = static_cast<unsigned>((block - page->range.begin) / page->stride);
    if (slot >= page->slots || !page->IsLive(slot)) return false;
    Set(mask, slot);
    return true;
  }

  void NotHeld(uint64_t block) {
    model_->NoteDamage(
        absl::StrCat("heap ", id_, " holds 0x", absl::Hex(block), ", which is no free block"));
  }

  void ReadGather() {
    const auto& gather = *reinterpret_cast<const RemoteGather*>(copy_->bytes + Layout::kHeapGather);
    gather.ForEach([this](RemoteWord word, uint64_t mask) {
      const auto header = reinterpret_cast<uint64_t>(word.page());
      Page* const page = model_->PageAt(header);
      if (page == nullptr || page->header != header || word.word() >= SlotBitmap::kWords) {
        return NotHeld(header);
      }
      for (; mask != 0; mask &= mask - 1) {
        const unsigned bit = static_cast<unsigned>(__builtin_ctzll(mask));
        const uint64_t block = page->Block(word.word() * 64 + bit);
        if (!Mark(page, block, &page->cached)) NotHeld(block);
      }
    });
  }

  void ReadQuarantine() {
    struct Item {
      uint64_t block;
      uint64_t caller;
    };
    const auto items = copy_->At<uint64_t>(Layout::kQuarantineItems);
    const auto first = copy_->At<unsigned>(Layout::kQuarantineFirst);
    const auto count = copy_->At<unsigned>(Layout::kQuarantineCount);
    if (items == 0 || count == 0) return;
    std::vector<Item> ring(Quarantine::kMostBlocks);
    if (count > Quarantine::kMostBlocks ||
        !memory_.Read(items, ring.data(), ring.size() * sizeof(Item))) {
      return model_->NoteDamage(absl::StrCat("the quarantine of heap ", id_, " is none"));
    }
    for (unsigned i = 0; i < count; ++i) {
      const uint64_t packed = ring[(uint64_t{first} + i) % ring.size()].block;
      const uint64_t block = packed & ((uint64_t{1} << Layout::kQuarantineClassShift) - 1);
      Page* const page = model_->PageAt(block);
      const bool known = page != nullptr &&
                         page->size_class == packed >> Layout::kQuarantineClassShift &&
                         (block - page->range.begin) % page->stride == 0;
      if (!known || !Mark(page, block, &page->quarantined)) NotHeld(block);
    }
  }

  const Memory& memory_;
  HeapModel* const model_;
  std::unique_ptr<HeapCopy> copy_ = std::make_unique<HeapCopy>();
  uint64_t heap_ = 0;
  uint32_t id_ = 0;
};

}  // namespace

void ReadHeldBlocks(const Memory& memory, const Descriptor& descriptor, HeapModel* model) {
  unsigned highest = 0;
  const auto registry = reinterpret_cast<uint64_t>(descriptor.registry);
  if (!memory.Get(registry + Layout::kRegistryHighestId, &highest) || highest >= kMaxHeaps) {
    return model->NoteDamage("the number of heaps is wrong");
  }
  std::vector<uint64_t> heaps(highest + 1);
  const auto table = reinterpret_cast<uint64_t>(descriptor.heaps);
  if (!memory.Read(table, heaps.data(), heaps.size() * sizeof(uint64_t))) {
    return model->NoteDamage("the heaps cannot be read");
  }
  HeldReader reader(memory, model);
  for (uint32_t id = kFirstHeap.value(); id <= highest; ++id) reader.ReadHeapAt(id, heaps[id]);
}

}  // namespace mymalloc::look
