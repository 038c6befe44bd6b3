#include "tests/command/sample_map.h"

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "tools/command/json.h"
#include "tools/command/map_packing.h"
#include "tools/command/map_page.h"

namespace mymalloc::test {
namespace {

using command::HeapMap;
using command::JsonWriter;
using command::MapPacker;
using command::MappedPage;

constexpr uint64_t kFirstAddress = 0x7f2a40000000;
constexpr uint64_t kUnit = 4096;
constexpr uint32_t kRunClass = 80;

struct SampleClass {
  uint32_t number;
  uint32_t stride;
  uint32_t slots;
};

// As docs/size_classes.md has them: the short ones are most of a usual heap.
constexpr SampleClass kClasses[] = {
    {1, 16, 256},    {2, 32, 256},    {2, 32, 256},    {3, 48, 256},          {3, 48, 256},
    {3, 48, 256},    {4, 64, 256},    {4, 64, 256},    {4, 64, 256},          {4, 64, 256},
    {5, 80, 256},    {6, 96, 256},    {6, 96, 256},    {7, 112, 256},         {8, 128, 256},
    {10, 160, 256},  {12, 192, 256},  {14, 224, 256},  {17, 272, 256},        {18, 304, 256},
    {23, 400, 256},  {29, 528, 256},  {33, 720, 256},  {41, 1040, 256},       {53, 2064, 254},
    {60, 3344, 156}, {66, 5136, 102}, {72, 16400, 31}, {kRunClass, 4240, 256}};

constexpr const char* kTypes[] = {"orders::Order", "std::vector<orders::Line>", "Session",
                                  "<img src=x onerror=\"document.title='owned'\">"};

// Which of ten ways a page is filled in: mostly that of the hundreds about it.
size_t WayOf(size_t n) {
  const size_t about = n / 300 * 2654435761u % 1000003;
  return (n < 60 || n % 3 == 0 ? n * 7 : about) % 10;
}

void Fill(size_t n, std::mt19937* random, std::string* states) {
  const size_t way = WayOf(n);
  const auto draw = [&](unsigned most) { return (*random)() % most; };
  for (char& state : *states) {
    if (way <= 3) state = 'L';                                             // full
    if (way == 4 || way == 5) state = draw(100) < 60 ? 'L' : 'F';          // well used
    if (way == 6) state = draw(100) < 4 ? 'L' : 'F';                       // sparse
    if (way == 7) state = draw(100) < 3 ? 'L' : draw(8) == 0 ? 'C' : 'F';  // sparse, with a cache
    if (way == 8) state = draw(20) == 0 ? 'Q' : 'L';
    if (way == 9) state = 'F';
  }
  if (way == 9 && n % 3 == 0) {
    const size_t quarter = states->size() / 4;
    states->replace(quarter, std::string::npos, states->size() - quarter, 'c');
  }
}

void FillWithRuns(std::mt19937* random, std::string* states) {
  for (size_t slot = 1; slot < states->size();) {
    const size_t length = std::min<size_t>(8 + (*random)() % 40, states->size() - slot);
    const bool live = (*random)() % 3 != 0;
    states->replace(slot, length, length, live ? 'r' : 'F');
    if (live) (*states)[slot] = 'R';
    slot += length;
  }
}

// On some pages every third, on others all that follow each other to the end.
void AddTypes(size_t n, MappedPage* page) {
  const auto type = static_cast<uint32_t>(n % std::size(kTypes));
  const auto live =
      static_cast<uint32_t>(std::count(page->states.begin(), page->states.end(), 'L') +
                            std::count(page->states.begin(), page->states.end(), 'R'));
  const size_t first = page->states.find_first_of("LR");
  if (n % 5 == 1 && live > 1) page->types.push_back({static_cast<uint32_t>(first), live, type});
  if (n % 5 != 0) return;
  for (uint32_t slot = 0; slot < page->states.size(); slot += 3) {
    if (page->states[slot] != 'L') continue;
    page->types.push_back({slot, 1, static_cast<uint32_t>((slot + n) % std::size(kTypes))});
  }
}

void AddExtents(size_t pages, uint64_t address, HeapMap* map) {
  std::mt19937 random(7);
  const size_t count = std::min<size_t>(3 + pages / 10, 4000);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t bytes = (512 + random() % 512 * (i % 5 + 1)) * kUnit;
    map->large.push_back({address, bytes, i % 11 == 10, i % 4 == 0 ? "float[]" : ""});
    address += bytes + 2 * kUnit;
  }
  for (size_t i = 0; i < count / 2 + 1; ++i) {
    const uint64_t bytes = (16 + random() % 4096) * kUnit;
    map->free.push_back({address, bytes, i % 3 == 0 ? bytes / 2 : 0});
    address += bytes + 2 * kUnit;
  }
}

void WriteLists(const HeapMap& map, JsonWriter* json) {
  json->Key("large").Begin('[');
  for (const auto& one : map.large) {
    json->Begin('{').Key("address").Value(absl::StrFormat("%#x", one.address));
    const absl::string_view state = one.held ? "held" : "live";
    json->Key("bytes").Value(one.bytes).Key("state").Value(state);
    json->OptionalPair("type", one.type).End('}');
  }
  json->End(']').Key("free").Begin('[');
  for (const auto& one : map.free) {
    json->Begin('{').Key("address").Value(absl::StrFormat("%#x", one.address));
    json->Key("bytes").Value(one.bytes).Key("resident").Value(one.resident).End('}');
  }
  json->End(']');
}

void WritePage(const HeapMap& map, const MappedPage& page, JsonWriter* json) {
  json->Begin('{').Key("address").Value(absl::StrFormat("%#x", page.address));
  json->Key("class").Value(uint64_t{page.size_class}).Key("stride").Value(uint64_t{page.stride});
  json->Key("slots").Value(uint64_t{page.states.size()}).Key("heap").Value(uint64_t{page.heap});
  json->Key("states").Value(page.states);
  const std::map<uint32_t, std::string> types = TypesBySlot(map, page);
  if (!types.empty()) json->Key("types").Begin('{');
  for (const auto& [slot, type] : types) json->Key(absl::StrCat(slot)).Value(type);
  if (!types.empty()) json->End('}');
  json->End('}');
}

}  // namespace

std::map<uint32_t, std::string> TypesBySlot(const HeapMap& map, const MappedPage& page) {
  std::map<uint32_t, std::string> types;
  for (const auto& run : page.types) {
    uint32_t left = run.blocks;
    for (uint32_t slot = run.slot; slot < page.states.size() && left > 0; ++slot) {
      if (page.states[slot] != 'L' && page.states[slot] != 'R') continue;
      types[slot] = map.types[run.type];
      --left;
    }
  }
  return types;
}

MappedPage SamplePage(size_t n, uint64_t after) {
  const SampleClass& c = kClasses[n * 2654435761u % 1000003 % std::size(kClasses)];
  std::mt19937 random(static_cast<unsigned>(n));
  MappedPage page;
  page.address = std::max(after, kFirstAddress) + (n % 97 == 96 ? 64 * kUnit : 0);
  page.size_class = c.number;
  page.stride = c.stride;
  page.heap = static_cast<uint32_t>(1 + n * 31 % 7 % 5);
  page.states.assign(c.slots, 'F');
  if (c.number == kRunClass) {
    FillWithRuns(&random, &page.states);
  } else {
    Fill(n, &random, &page.states);
  }
  const uint32_t header = 1 + (192 + c.stride - 1) / c.stride;
  std::fill_n(page.states.begin(), header, 'H');
  AddTypes(n, &page);
  return page;
}

HeapMap HostileMap() {
  HeapMap map;
  const std::string name = "</script><script>document.title='owned'</script>\u202e\n";
  map.target = name + std::string(5000, 'w');
  map.types = {name + std::string(5000, 't')};
  map.pages = {{0, 0, 0, 0, "", {}},
               {0, UINT32_MAX, UINT32_MAX, UINT32_MAX, std::string(256, 'r'), {}},
               {16, 7, 0, 1, std::string(256, 'L'), {{3, 1, 0}, {4, 1000, 0}, {255, 1, 77}}},
               {16, 7, 16, 1, std::string(256, 'R'), {{3, 1, 0}}},
               {17, 7, 24, 1, "Q", {}},
               {uint64_t{1} << 63, 1, 16, 1, std::string(255, 'F'), {}},
               {UINT64_MAX, 1, 16, 1, std::string(256, 'C'), {}}};
  map.large = {{0, 0, false, name}, {1, UINT64_MAX, true, ""}, {UINT64_MAX, 1, false, ""}};
  map.free = {{0, 0, 0}, {4096, UINT64_MAX, UINT64_MAX}, {4096, 1, 1}};
  map.totals = {{name, UINT64_MAX}, {"", 0}};
  return map;
}

HeapMap SampleMapWithoutPages(size_t pages) {
  HeapMap map;
  map.target = "sample (4711)";
  map.types.assign(std::begin(kTypes), std::end(kTypes));
  map.totals = {{"live", 90000 * pages}, {"resident", 130000 * pages}, {"metadata", 400 * pages}};
  AddExtents(pages, 0x7fa000000000, &map);
  return map;
}

HeapMap SampleMap(size_t pages) {
  HeapMap map = SampleMapWithoutPages(pages);
  uint64_t after = 0;
  for (size_t n = 0; n < pages; ++n) {
    map.pages.push_back(SamplePage(n, after));
    const MappedPage& page = map.pages.back();
    after = page.address + (page.stride * page.states.size() + kUnit - 1) / kUnit * kUnit;
  }
  return map;
}

std::string SampleMapPage(size_t pages) {
  MapPacker packer;
  uint64_t after = 0;
  for (size_t n = 0; n < pages; ++n) {
    const MappedPage page = SamplePage(n, after);
    after = page.address + (page.stride * page.states.size() + kUnit - 1) / kUnit * kUnit;
    packer.Add(page);
  }
  return MapPage(SampleMapWithoutPages(pages), packer);
}

std::string JsonOf(const HeapMap& map) {
  JsonWriter json;
  json.Begin('{').Key("version").Value(uint64_t{1}).Key("target").Value(map.target);
  json.Key("pages").Begin('[');
  for (const MappedPage& page : map.pages) WritePage(map, page, &json);
  json.End(']');
  WriteLists(map, &json);
  json.Key("totals").Begin('{');
  for (const auto& [name, value] : map.totals) json.Key(name).Value(value);
  return json.End('}').End('}').text();
}

}  // namespace mymalloc::test
