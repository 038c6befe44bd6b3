#include "tools/command/map_types.h"

#include <algorithm>
#include <map>

#include "tools/look/contents.h"
#include "tools/look/names.h"
#include "tools/look/type_table.h"

namespace mymalloc::command {
namespace {

using look::Appearance;
using look::Block;
using look::BlockKind;
using look::Looks;

class TypeNoter {
 public:
  TypeNoter(const look::HeapModel& model, look::Names* names) : model_(model), names_(names) {
    types_.pages.resize(model.pages.size());
    types_.large.resize(model.large.size());
  }

  void Note(const Block& block, absl::string_view bytes) {
    const Appearance appearance = look::AppearanceOf(bytes, names_);
    const bool known = appearance.looks != Looks::kOther;
    if (block.kind == BlockKind::kLarge) {
      if (known) NoteLarge(block, look::TypeName(appearance, block));
    } else if (block.kind != BlockKind::kSampled) {
      NoteInPage(block, known ? NumberOf(appearance, block) : kUnknown);
    }
  }

  MapTypes Take() { return std::move(types_); }

 private:
  static constexpr uint32_t kUnknown = UINT32_MAX;

  uint32_t NumberOf(const Appearance& appearance, const Block& block) {
    const auto added = numbers_.emplace(std::make_pair(appearance.looks, appearance.name),
                                        static_cast<uint32_t>(types_.names.size()));
    if (added.second) types_.names.push_back(look::TypeName(appearance, block));
    return added.first->second;
  }

  // Blocks come in the order of their addresses.
  void NoteInPage(const Block& block, uint32_t type) {
    while (page_ < model_.pages.size() && model_.pages[page_].range.end <= block.address) {
      ++page_;
      last_ = kUnknown;
    }
    if (page_ == model_.pages.size() || !model_.pages[page_].range.Contains(block.address)) return;
    const look::Page& page = model_.pages[page_];
    std::vector<TypeRun>& runs = types_.pages[page_];
    if (type == last_ && type != kUnknown) {
      ++runs.back().blocks;
    } else if (type != kUnknown) {
      const auto slot = static_cast<uint32_t>((block.address - page.range.begin) / page.stride);
      runs.push_back({slot, 1, type});
    }
    last_ = type;
  }

  void NoteLarge(const Block& block, std::string type) {
    const look::Large* const large = model_.LargeAt(block.address);
    if (large == nullptr) return;
    types_.large[static_cast<size_t>(large - model_.large.data())] = std::move(type);
  }

  const look::HeapModel& model_;
  look::Names* const names_;
  MapTypes types_;
  std::map<std::pair<Looks, std::string>, uint32_t> numbers_;
  size_t page_ = 0;
  uint32_t last_ = kUnknown;
};

void KeepLongest(size_t most, std::vector<TypeRun>* runs) {
  if (runs->size() <= most) return;
  std::stable_sort(runs->begin(), runs->end(),
                   [](const TypeRun& a, const TypeRun& b) { return a.blocks > b.blocks; });
  runs->resize(most);
  runs->shrink_to_fit();
  std::sort(runs->begin(), runs->end(),
            [](const TypeRun& a, const TypeRun& b) { return a.slot < b.slot; });
}

}  // namespace

MapTypes ReadMapTypes(const look::Target& target, const look::HeapModel& model, size_t most_runs) {
  look::Names names(target);
  TypeNoter noter(model, &names);
  look::ForEachContents(target.memory(), model, [&](const Block& block, absl::string_view bytes) {
    noter.Note(block, bytes);
  });
  MapTypes types = noter.Take();
  const size_t most = std::max<size_t>(4, most_runs / std::max<size_t>(1, types.pages.size()));
  for (std::vector<TypeRun>& runs : types.pages) KeepLongest(most, &runs);
  return types;
}

}  // namespace mymalloc::command
