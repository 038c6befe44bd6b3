#include "tools/command/map_page.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tools/command/json.h"
#include "tools/command/map_page_template.h"

namespace mymalloc::command {
namespace {

// JSON as an element's text: nothing in it ends the element or begins a comment, for '<' is an
// escape.
std::string InElement(absl::string_view json) {
  return absl::StrReplaceAll(json, {{"<", "\\u003c"}, {">", "\\u003e"}, {"&", "\\u0026"}});
}

// Not a script, as it has no such type: text that a browser passes over.
void AppendData(absl::string_view id, absl::string_view text, std::string* page) {
  absl::StrAppend(page, "<script type=\"text/plain\" id=\"", id, "\">", text, "</script>\n");
}

void WriteLarge(const std::vector<MappedLarge>& large, JsonWriter* json) {
  json->Key("large").Begin('[');
  for (const MappedLarge& one : large) {
    json->Begin('[').Value(one.address).Value(one.bytes).Value(uint64_t{one.held});
    if (!one.type.empty()) json->Value(one.type);
    json->End(']');
  }
  json->End(']');
}

void WriteFree(const std::vector<MappedRange>& free, JsonWriter* json) {
  json->Key("free").Begin('[');
  for (const MappedRange& one : free) {
    json->Begin('[').Value(one.address).Value(one.bytes).Value(one.resident).End(']');
  }
  json->End(']');
}

void WriteKinds(const MapPacker& pages, JsonWriter* json) {
  json->Key("kinds").Begin('[');
  for (const MapPacker::Kind& kind : pages.kinds()) {
    json->Begin('[');
    for (const uint32_t number : kind) json->Value(uint64_t{number});
    json->End(']');
  }
  json->End(']');
  json->Key("heaps").Begin('[');
  for (const uint32_t heap : pages.heaps()) json->Value(uint64_t{heap});
  json->End(']');
}

void WriteTotals(const HeapMap& map, JsonWriter* json) {
  json->Key("totals").Begin('[');
  for (const auto& [name, value] : map.totals) {
    json->Begin('[').Value(name).Value(value).End(']');
  }
  json->End(']');
}

std::string Facts(const HeapMap& map, const MapPacker& pages) {
  JsonWriter json;
  json.Begin('{').Key("target").Value(map.target);
  json.Key("pages").Value(uint64_t{pages.page_count()});
  json.Key("pagesPerChunk").Value(uint64_t{MapPacker::kPagesPerChunk});
  json.Key("states").Value(kSlotStates);
  WriteKinds(pages, &json);
  WriteTotals(map, &json);
  json.Key("types").Begin('[');
  for (const std::string& type : map.types) json.Value(type);
  json.End(']');
  WriteLarge(map.large, &json);
  WriteFree(map.free, &json);
  return json.End('}').text();
}

// The script runs when the summary is there; the details may come in behind it while the map is
// already seen.
void AppendPages(const MapPacker& pages, std::string* page) {
  AppendData("summary", absl::Base64Escape(pages.summary()), page);
  absl::StrAppend(page, "<script>window.startMap();</script>\n");
  for (size_t i = 0; i < pages.chunks().size(); ++i) {
    AppendData(absl::StrCat("chunk", i), absl::Base64Escape(pages.chunks()[i]), page);
  }
}

}  // namespace

std::string EscapedForHtml(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

std::string MapPage(const HeapMap& rest, const MapPacker& pages) {
  // A quoted string of JSON without its quotes is UTF-8 and has no control characters.
  const std::string quoted = JsonString(rest.target);
  const std::string target = EscapedForHtml(absl::string_view(quoted).substr(1, quoted.size() - 2));
  std::string page;
  for (const absl::string_view part : absl::StrSplit(MapPageTemplate(), kTargetMark)) {
    absl::StrAppend(&page, page.empty() ? "" : target, part);
  }
  AppendData("facts", InElement(Facts(rest, pages)), &page);
  AppendPages(pages, &page);
  absl::StrAppend(&page, "</body>\n</html>\n");
  return page;
}

std::string MapPage(const HeapMap& map) {
  MapPacker pages;
  for (const MappedPage& page : map.pages) pages.Add(page);
  return MapPage(map, pages);
}

std::string MapPage(const std::string& json, std::string* wrong) {
  HeapMap map;
  *wrong = ParseHeapMap(json, &map);
  return wrong->empty() ? MapPage(map) : "";
}

std::string MapPage(const std::string& json) {
  std::string wrong;
  std::string page = MapPage(json, &wrong);
  return wrong.empty() ? page : MapPage(HeapMap());
}

}  // namespace mymalloc::command
