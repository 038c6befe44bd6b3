#include "tools/command/heap_map.h"

#include <algorithm>
#include <unordered_map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tools/command/json_reader.h"

namespace mymalloc::command {
namespace {

class HeapMapParser {
 public:
  HeapMapParser(absl::string_view json, HeapMap* map) : reader_(json), map_(map) {}

  std::string Parse() {
    reader_.Object([this](const std::string& key) { Member(key); });
    reader_.End();
    if (reader_.failed()) return reader_.mistake();
    if (!version_known_) return "another version than 1";
    NumberTableTypes();
    return wrong_;
  }

 private:
  void Member(const std::string& key) {
    if (key == "version") {
      version_known_ = reader_.Number() == 1;
    } else if (key == "target") {
      map_->target = reader_.String();
    } else if (key == "type_names") {
      reader_.Array([this] { table_.push_back(reader_.String()); });
    } else if (key == "pages") {
      reader_.Array([this] { Page(); });
    } else if (key == "large") {
      reader_.Array([this] { Large(); });
    } else if (key == "free") {
      reader_.Array([this] { Range(); });
    } else if (key == "totals") {
      reader_.Object([this](const std::string& name) { Total(name); });
    } else {
      reader_.Skip();
    }
  }

  uint32_t Small() {
    return static_cast<uint32_t>(std::min<uint64_t>(reader_.Number(), UINT32_MAX));
  }

  void Page() {
    MappedPage page;
    uint64_t slots = 0;
    reader_.Object([&](const std::string& key) {
      if (key == "address") {
        page.address = reader_.Address();
      } else if (key == "class") {
        page.size_class = Small();
      } else if (key == "stride") {
        page.stride = Small();
      } else if (key == "slots") {
        slots = reader_.Number();
      } else if (key == "heap") {
        page.heap = Small();
      } else if (key == "states") {
        page.states = reader_.String();
      } else if (key == "types") {
        Types(&page);
      } else {
        reader_.Skip();
      }
    });
    std::sort(page.types.begin(), page.types.end(),
              [](const TypeRun& a, const TypeRun& b) { return a.slot < b.slot; });
    CheckPage(page, slots);
    map_->pages.push_back(std::move(page));
  }

  void CheckPage(const MappedPage& page, uint64_t slots) {
    if (page.states.size() != slots || slots > kMostSlots) {
      wrong_ = "a page has another number of states than of slots, or too many";
    } else if (page.states.find_first_not_of(kSlotStates.data()) != std::string::npos) {
      wrong_ = "a slot has an unknown state";
    }
  }

  // By slots, with their names; or of live blocks that follow each other, by numbers.
  void Types(MappedPage* page) {
    if (!reader_.AtArray()) {
      return reader_.Object([&](const std::string& slot) { Type(slot, page); });
    }
    reader_.Array([&] {
      uint32_t numbers[3] = {};
      size_t count = 0;
      reader_.Array([&] {
        const uint32_t number = Small();
        if (count < 3) numbers[count] = number;
        ++count;
      });
      if (count != 3) wrong_ = "types have more or less than a slot, a count and a number";
      if (numbers[0] >= kMostSlots || numbers[1] > kMostSlots) wrong_ = "a type is of no slot";
      page->types.push_back(
          {numbers[0], numbers[1], std::min(numbers[2], kInTable - 1) + kInTable});
    });
  }

  // The table may come behind what is numbered by it.
  void NumberTableTypes() {
    const size_t before = map_->types.size();
    map_->types.insert(map_->types.end(), table_.begin(), table_.end());
    for (MappedPage& page : map_->pages) {
      for (TypeRun& run : page.types) {
        if (run.type < kInTable) continue;
        const size_t number = run.type - kInTable;
        if (number >= table_.size()) wrong_ = "a type has no name";
        run.type = static_cast<uint32_t>(number + before);
      }
    }
  }

  void Type(const std::string& slot, MappedPage* page) {
    uint32_t number = 0;
    const std::string name = reader_.String();
    if (!absl::SimpleAtoi(slot, &number) || number >= kMostSlots) {
      wrong_ = "a type is of no slot";
      return;
    }
    const auto added = type_numbers_.emplace(name, map_->types.size());
    if (added.second) map_->types.push_back(name);
    page->types.push_back({number, 1, static_cast<uint32_t>(added.first->second)});
  }

  void Large() {
    MappedLarge large;
    reader_.Object([&](const std::string& key) {
      if (key == "address") {
        large.address = reader_.Address();
      } else if (key == "bytes") {
        large.bytes = reader_.Number();
      } else if (key == "state") {
        large.held = reader_.String() != "live";
      } else if (key == "type") {
        large.type = reader_.String();
      } else {
        reader_.Skip();
      }
    });
    map_->large.push_back(std::move(large));
  }

  void Range() {
    MappedRange range;
    reader_.Object([&](const std::string& key) {
      if (key == "address") {
        range.address = reader_.Address();
      } else if (key == "bytes") {
        range.bytes = reader_.Number();
      } else if (key == "resident") {
        range.resident = reader_.Number();
      } else {
        reader_.Skip();
      }
    });
    range.resident = std::min(range.resident, range.bytes);
    map_->free.push_back(range);
  }

  void Total(const std::string& name) {
    if (!reader_.AtNumber()) return reader_.Skip();
    map_->totals.emplace_back(name, reader_.Number());
  }

  // A type's number until all names are known: in the table of names.
  static constexpr uint32_t kInTable = uint32_t{1} << 31;

  JsonReader reader_;
  HeapMap* const map_;
  std::vector<std::string> table_;
  bool version_known_ = false;
  std::string wrong_;
  std::unordered_map<std::string, size_t> type_numbers_;
};

template <typename T>
void SortByAddress(std::vector<T>* all) {
  std::stable_sort(all->begin(), all->end(),
                   [](const T& one, const T& other) { return one.address < other.address; });
}

}  // namespace

std::string ParseHeapMap(absl::string_view json, HeapMap* map) {
  std::string wrong = HeapMapParser(json, map).Parse();
  SortByAddress(&map->pages);
  SortByAddress(&map->large);
  SortByAddress(&map->free);
  return wrong;
}

}  // namespace mymalloc::command
