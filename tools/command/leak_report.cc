#include "tools/command/leak_report.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/command/json.h"
#include "tools/command/opened_heap.h"
#include "tools/look/type_table.h"

namespace mymalloc::command {
namespace {

constexpr size_t kExamples = 3;

std::string TypeOf(const look::Target& target, const look::Block& block, look::Names* names) {
  char bytes[look::kFirstBytes];
  const size_t length = std::min<uint64_t>(sizeof(bytes), block.usable);
  const bool read = target.memory().Read(block.address, bytes, length);
  const look::Appearance appearance =
      look::AppearanceOf(read ? absl::string_view(bytes, length) : "", names);
  return look::TypeName(appearance, block);
}

struct Sums {
  uint64_t direct = 0;
  uint64_t blocks = 0;
  uint64_t bytes = 0;
};

Sums SumsOf(const look::LeakResult& result) {
  Sums sums;
  for (const look::Leak& leak : result.leaks) {
    sums.direct += leak.direct ? 1 : 0;
    ++sums.blocks;
    sums.bytes += look::BytesOf(leak.block);
  }
  return sums;
}

}  // namespace

std::vector<LeakGroup> GroupLeaks(const look::Target& target, const look::LeakResult& result,
                                  look::Names* names) {
  std::map<std::pair<std::string, uint64_t>, LeakGroup> groups;
  std::unordered_map<uint64_t, LeakGroup*> by_root;
  for (const look::Leak& leak : result.leaks) {
    if (!leak.direct) continue;
    const std::string type = TypeOf(target, leak.block, names);
    LeakGroup& group = groups[{type, leak.block.usable}];
    group.type = type;
    group.usable = leak.block.usable;
    ++group.blocks;
    group.bytes += look::BytesOf(leak.block);
    if (group.examples.size() < kExamples) group.examples.push_back(leak.block.address);
    by_root[leak.block.address] = &group;
  }
  for (const look::Leak& leak : result.leaks) {
    const auto group = by_root.find(leak.root);
    if (leak.direct || group == by_root.end()) continue;
    ++group->second->indirect_blocks;
    group->second->indirect_bytes += look::BytesOf(leak.block);
  }
  std::vector<LeakGroup> sorted;
  for (auto& group : groups) sorted.push_back(std::move(group.second));
  std::stable_sort(sorted.begin(), sorted.end(), [](const LeakGroup& a, const LeakGroup& b) {
    return a.bytes + a.indirect_bytes > b.bytes + b.indirect_bytes;
  });
  return sorted;
}

std::string LeakText(const look::LeakResult& result, const std::vector<LeakGroup>& groups,
                     uint32_t limit) {
  const Sums sums = SumsOf(result);
  std::string text;
  if (sums.blocks == 0) {
    text = absl::StrCat("no leaks among ", Grouped(result.live_blocks), " live blocks");
  } else {
    text = absl::StrFormat("%13s%12s%13s%12s  %s\n", "blocks", "bytes", "lead to", "bytes", "type");
    size_t shown = 0;
    for (const LeakGroup& group : groups) {
      if (limit != 0 && shown++ == limit) break;
      absl::StrAppendFormat(&text, "%13s%12s%13s%12s  %s  (%s)\n", Grouped(group.blocks),
                            HumanBytes(group.bytes), Grouped(group.indirect_blocks),
                            HumanBytes(group.indirect_bytes), group.type,
                            HexAddress(group.examples[0]));
    }
    if (limit != 0 && groups.size() > limit) {
      absl::StrAppend(&text, "and ", groups.size() - limit, " more types; --limit=0 shows all\n");
    }
    absl::StrAppend(&text, "leaked: ", Grouped(sums.blocks), " of ", Grouped(result.live_blocks),
                    " live blocks, ", HumanBytes(sums.bytes), "; ", Grouped(sums.direct),
                    " directly, and what only those lead to");
  }
  if (result.longest_stop > 0) {
    absl::StrAppendFormat(&text, "; read %s, the process was stopped for %.1f ms%s",
                          result.rounds == 1 ? "once" : absl::StrCat(result.rounds, " times"),
                          result.longest_stop * 1e3, result.rounds == 1 ? "" : " at most");
  }
  absl::StrAppend(&text, "\n");
  if (!result.settled) {
    absl::StrAppend(
        &text,
        "not settled: the process kept changing, and in each look something was reached "
        "that had seemed lost\nbefore. Of what is shown some may be in use, too: look "
        "again with --stop, or at a snapshot.\n");
  }
  return text;
}

std::string LeakJson(const look::LeakResult& result, const std::vector<LeakGroup>& groups) {
  const Sums sums = SumsOf(result);
  JsonWriter json;
  json.Begin('{').Key("live_blocks").Value(result.live_blocks);
  json.Key("leaked_blocks").Value(sums.blocks).Key("leaked_bytes").Value(sums.bytes);
  json.Key("direct_blocks").Value(sums.direct).Key("rounds").Value(uint64_t{result.rounds});
  json.Key("settled").Value(result.settled);
  json.Key("stopped_microseconds").Value(static_cast<uint64_t>(result.longest_stop * 1e6));
  json.Key("groups").Begin('[');
  for (const LeakGroup& group : groups) {
    json.Begin('{').Key("type").Value(group.type).Key("usable").Value(group.usable);
    json.Key("blocks").Value(group.blocks).Key("bytes").Value(group.bytes);
    json.Key("indirect_blocks").Value(group.indirect_blocks);
    json.Key("indirect_bytes").Value(group.indirect_bytes).Key("examples").Begin('[');
    for (const uint64_t example : group.examples) json.Value(HexAddress(example));
    json.End(']').End('}');
  }
  return absl::StrCat(json.End(']').End('}').text(), "\n");
}

}  // namespace mymalloc::command
