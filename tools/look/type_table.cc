#include "tools/look/type_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mymalloc/page/size_class.h"

namespace mymalloc::look {
namespace {

void AddTo(TypeRow* row, const Block& block) {
  ++row->blocks;
  row->bytes += BytesOf(block);
  if (row->examples.size() < TypeRow::kExamples) row->examples.push_back(block.address);
}

// A row for each kind, module, class or size: found without making its name for each block.
class TypeCounter {
 public:
  explicit TypeCounter(Names* names) : names_(names) {}

  void Count(const Block& block, absl::string_view bytes) {
    const Appearance appearance = AppearanceOf(bytes, names_);
    const bool by_size = appearance.looks == Looks::kOther;
    TypeRow& row = rows_[{appearance.looks, appearance.name, by_size ? block.usable : 0}];
    if (row.blocks == 0) {
      row.name = TypeName(appearance, block);
      row.looks = appearance.looks;
    }
    AddTo(&row, block);
  }

  std::vector<TypeRow> Sorted() {
    std::vector<TypeRow> rows;
    for (auto& row : rows_) rows.push_back(std::move(row.second));
    std::stable_sort(rows.begin(), rows.end(),
                     [](const TypeRow& a, const TypeRow& b) { return a.bytes > b.bytes; });
    return rows;
  }

 private:
  struct Key {
    Looks looks;
    std::string name;
    uint64_t usable;
    bool operator<(const Key& other) const {
      if (looks != other.looks) return looks < other.looks;
      return usable != other.usable ? usable < other.usable : name < other.name;
    }
  };

  Names* const names_;
  std::map<Key, TypeRow> rows_;
};

}  // namespace

uint64_t BytesOf(const Block& block) {
  return block.kind == BlockKind::kSampled ? block.usable : block.usable + kTagBytes;
}

std::string TypeName(const Appearance& appearance, const Block& block) {
  switch (appearance.looks) {
    case Looks::kClass:
      return absl::StrCat("class ", appearance.name);
    case Looks::kFunction:
      return absl::StrCat("function pointer (", appearance.name, ")");
    case Looks::kText:
      return "text";
    case Looks::kZero:
      return "zero";
    case Looks::kOther:
      break;
  }
  return absl::StrCat("other, ", block.usable, " bytes");
}

std::vector<TypeRow> CountTypes(const Memory& memory, const HeapModel& model, Names* names) {
  TypeCounter counter(names);
  ForEachContents(memory, model, [&](const Block& block, absl::string_view bytes) {
    counter.Count(block, bytes);
  });
  return counter.Sorted();
}

}  // namespace mymalloc::look
