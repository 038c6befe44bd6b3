#include "tools/command/map_json.h"

#include "absl/strings/str_cat.h"
#include "tools/command/json.h"
#include "tools/look/figures.h"

namespace mymalloc::command {
namespace {

// By look::SlotState.
constexpr char kStates[] = "HFcCQLRr";
static_assert(kStates[static_cast<int>(look::SlotState::kRunTail)] == 'r', "one for each state");

void AppendTypes(const std::vector<TypeRun>& runs, std::string* text) {
  if (runs.empty()) return;
  const char* before = ",\"types\":[[";
  for (const TypeRun& run : runs) {
    absl::StrAppend(text, before, run.slot, ",", run.blocks, ",", run.type, "]");
    before = ",[";
  }
  *text += ']';
}

void AppendPage(const look::Page& page, const std::vector<TypeRun>& types, std::string* text) {
  absl::StrAppend(text, "{\"address\":\"0x", absl::Hex(page.range.begin),
                  "\",\"class\":", page.size_class, ",\"stride\":", page.stride,
                  ",\"slots\":", page.slots, ",\"heap\":", page.heap, ",\"states\":\"");
  for (unsigned slot = 0; slot < page.slots; ++slot) {
    *text += kStates[static_cast<int>(page.StateOf(slot))];
  }
  *text += '"';
  AppendTypes(types, text);
  *text += '}';
}

void AppendLarge(const look::Large& large, const char* state, const std::string& type,
                 std::string* text) {
  absl::StrAppend(text, "{\"address\":\"0x", absl::Hex(large.block),
                  "\",\"bytes\":", large.range.length(), ",\"state\":\"", state, "\"");
  if (!type.empty()) absl::StrAppend(text, ",\"type\":", JsonString(type));
  *text += '}';
}

// Where they may be resident at all, ranges are taken to be.
void AppendFree(const look::FreeRange& range, std::string* text) {
  absl::StrAppend(text, "{\"address\":\"0x", absl::Hex(range.range.begin),
                  "\",\"bytes\":", range.range.length(),
                  ",\"resident\":", range.dirty ? range.range.length() : 0, "}");
}

template <typename Items, typename Append>
void AppendList(const char* name, const Items& items, Append&& append, std::string* text) {
  absl::StrAppend(text, ",\"", name, "\":[");
  bool first = true;
  for (const auto& item : items) {
    if (!first) *text += ",\n";
    first = false;
    append(item);
  }
  *text += ']';
}

std::string Totals(const look::HeapModel& model) {
  const look::Figures f = look::CountFigures(model);
  return absl::StrCat("{\"live_blocks\":", f.live.blocks, ",\"live_bytes\":", f.live.bytes,
                      ",\"cached_bytes\":", f.pages.cached.bytes,
                      ",\"quarantined_bytes\":", f.pages.quarantined.bytes + f.held_large.bytes,
                      ",\"free_bytes\":", f.pages.dirty.bytes,
                      ",\"clean_bytes\":", f.pages.clean.bytes,
                      ",\"free_range_bytes\":", f.free_dirty + f.free_clean,
                      ",\"free_range_resident\":", f.free_dirty, ",\"large_bytes\":", f.large.bytes,
                      ",\"metadata_bytes\":", f.metadata, ",\"pages\":", f.pages.pages,
                      ",\"page_bytes\":", f.pages.bytes, ",\"heaps\":", model.heaps.size(), "}");
}

}  // namespace

std::string MapJson(absl::string_view target, const look::HeapModel& model, const MapTypes& types) {
  std::string text = absl::StrCat("{\"version\":1,\"target\":", JsonString(target));
  AppendList(
      "type_names", types.names,
      [&](const std::string& name) { absl::StrAppend(&text, JsonString(name)); }, &text);
  size_t page_number = 0;
  AppendList(
      "pages", model.pages,
      [&](const look::Page& page) { AppendPage(page, types.pages[page_number++], &text); }, &text);
  std::vector<look::Large> large = model.large;
  const size_t held_from = large.size();
  large.insert(large.end(), model.held_large.begin(), model.held_large.end());
  size_t i = 0;
  AppendList(
      "large", large,
      [&](const look::Large& block) {
        const bool held = i >= held_from;
        AppendLarge(block,
                    held         ? "quarantined"
                    : block.live ? "live"
                                 : "free",
                    held ? "" : types.large[i], &text);
        ++i;
      },
      &text);
  AppendList(
      "free", model.free_ranges, [&](const look::FreeRange& range) { AppendFree(range, &text); },
      &text);
  absl::StrAppend(&text, ",\"totals\":", Totals(model), "}\n");
  return text;
}

}  // namespace mymalloc::command
