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
    return wrong_;
  }

 private:
  void Member(const std::string& key) {
    if (key == "version") {
      version_known_ = reader_.Number() == 1;
    } else if (key == "target") {
      map_->target = reader_.String();
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
        reader_.Object([&](const std::string& slot) { Type(slot, &page); });
      } else {
        reader_.Skip();
      }
    });
    std::sort(page.types.begin(), page.types.end());
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

  void Type(const std::string& slot, MappedPage* page) {
    uint32_t number = 0;
    const std::string name = reader_.String();
    if (!absl::SimpleAtoi(slot, &number) || number >= kMostSlots) {
      wrong_ = "a type is of no slot";
      return;
    }
    const auto added = type_numbers_.emplace(name, map_->types.size());
    if (added.second) map_->types.push_back(name);
    page->types.emplace_back(number, static_cast<uint32_t>(added.first->second));
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

  JsonReader reader_;
  HeapMap* const map_;
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
