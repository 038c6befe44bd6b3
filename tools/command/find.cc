#include "tools/command/find.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/flags/flag.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/command/json.h"
#include "tools/command/opened_heap.h"
#include "tools/command/output_format.h"
#include "tools/look/address.h"
#include "tools/look/contents.h"
#include "tools/look/referrers.h"
#include "tools/look/type_table.h"

ABSL_FLAG(bool, referrers, false, "also say who points to the block");

namespace mymalloc::command {
namespace {

constexpr char kName[] = "find";
constexpr size_t kMostReferrers = 1000;
constexpr size_t kShownReferrers = 20;

using look::AddressInfo;
using look::AddressKind;
using look::AddressState;

bool ParseAddress(const std::string& text, uint64_t* address) {
  char* end = nullptr;
  errno = 0;
  *address = strtoull(text.c_str(), &end, 16);
  return errno == 0 && !text.empty() && text[0] != '-' && *end == '\0';
}

bool IsBlock(const AddressInfo& info) {
  return info.kind == AddressKind::kSmall || info.kind == AddressKind::kRun ||
         info.kind == AddressKind::kLarge || info.kind == AddressKind::kSampled;
}

struct Word {
  uint64_t value = 0;
  std::string meaning;  // empty if none is known
};

struct Found {
  uint64_t address = 0;
  AddressInfo info;
  std::string symbol;  // of an address that is in a program or library
  std::string type;    // of a live block
  std::string text;    // that it begins with
  std::vector<Word> words;
  std::vector<look::Referrer> referrers;
};

class AddressFinder {
 public:
  explicit AddressFinder(const OpenedHeap& heap)
      : target_(*heap.target), model_(heap.model), names_(*heap.target) {}

  Found Find(uint64_t address) {
    Found found;
    found.address = address;
    found.info = look::LookUp(target_, model_, address);
    if (found.info.kind == AddressKind::kNotOurs) found.symbol = names_.SymbolAt(address);
    if (IsBlock(found.info)) ReadBlock(&found);
    if (IsBlock(found.info) && absl::GetFlag(FLAGS_referrers)) {
      const Interval block = Interval::From(found.info.base, found.info.usable);
      found.referrers = look::FindReferrers(target_, model_, block, kMostReferrers);
    }
    return found;
  }

  // "24 bytes into the live block of 40 bytes at 0x..., class Foo"
  std::string Place(uint64_t address) {
    const AddressInfo info = look::LookUp(target_, model_, address);
    if (!IsBlock(info)) {
      const std::string symbol = names_.SymbolAt(address);
      return symbol.empty() ? info.mapping : symbol;
    }
    char bytes[look::kFirstBytes];
    const size_t length = std::min<uint64_t>(sizeof(bytes), info.usable);
    std::string type;
    if (target_.memory().Read(info.base, bytes, length)) {
      type = TypeOf(info, {bytes, length});
    }
    return absl::StrCat(address - info.base, " bytes into the ", NameOf(info.state), " block of ",
                        info.usable, " bytes at ", HexAddress(info.base), type.empty() ? "" : ", ",
                        type);
  }

 private:
  std::string TypeOf(const AddressInfo& info, absl::string_view bytes) {
    look::Block block;
    block.address = info.base;
    block.usable = info.usable;
    const look::Appearance appearance = look::AppearanceOf(bytes, &names_);
    return appearance.looks == look::Looks::kOther ? "" : look::TypeName(appearance, block);
  }

  void ReadBlock(Found* found) {
    const AddressInfo& info = found->info;
    char bytes[look::kFirstBytes];
    const size_t length = std::min<uint64_t>(sizeof(bytes), info.usable);
    if (!target_.memory().Read(info.base, bytes, length)) return;
    if (info.state == AddressState::kLive) found->type = TypeOf(info, {bytes, length});
    if (found->type.empty() || found->type == "text") {
      found->text = std::string(look::TextIn({bytes, length}));
    }
    for (size_t at = 0; at + sizeof(uint64_t) <= length && found->words.size() < 4;
         at += sizeof(uint64_t)) {
      Word word;
      std::memcpy(&word.value, bytes + at, sizeof(word.value));
      word.meaning = MeaningOf(word.value);
      found->words.push_back(std::move(word));
    }
  }

  std::string MeaningOf(uint64_t word) {
    const std::string symbol = names_.SymbolAt(word);
    if (!symbol.empty()) return symbol;
    const AddressInfo info = look::LookUp(target_, model_, word);
    if (!IsBlock(info)) return "";
    return absl::StrCat(word == info.base ? "a " : "into a ", NameOf(info.state), " block of ",
                        info.usable, " bytes");
  }

  const look::Target& target_;
  const look::HeapModel& model_;
  look::Names names_;
};

std::string StateText(const AddressInfo& info) {
  switch (info.state) {
    case AddressState::kLive:
      return "live";
    case AddressState::kFree:
      return info.clean ? "free, and given back or never touched" : "free";
    case AddressState::kCached:
      return "free, held by a thread";
    case AddressState::kQuarantined:
      return "freed, and kept from use";
    case AddressState::kNone:
      break;
  }
  return "";
}

void AppendBlock(const Found& found, std::string* text) {
  const AddressInfo& info = found.info;
  const uint64_t offset = found.address - info.base;
  const bool is_inside = info.base <= found.address && offset < info.usable;
  const std::string where = info.in_tag   ? "in the tag behind the block"
                            : !is_inside  ? "beside the block"
                            : offset == 0 ? "the block"
                                          : absl::StrCat(offset, " bytes into the block");
  absl::StrAppend(text, where, offset == 0 ? "" : absl::StrCat(" at ", HexAddress(info.base)),
                  " of ", info.usable, " bytes: ", StateText(info), "\n");
  if (info.has_asked) {
    absl::StrAppend(text, "  asked for: ", info.asked, " bytes");
    if (info.kind == AddressKind::kSmall) {
      absl::StrAppend(text, ", by ", look::NameOf(info.made_by));
    }
    *text += "\n";
  }
  if (info.page != 0) {
    absl::StrAppend(text, "  lies in:   slot ", info.slot,
                    info.slots > 1 ? absl::StrCat(" and ", info.slots - 1, " more") : "",
                    " of the page at ", HexAddress(info.page), ", slots of ", info.stride,
                    " bytes (class ", info.size_class, "), heap ", info.heap, "\n");
  }
  if (!found.type.empty()) absl::StrAppend(text, "  looks like: ", found.type, "\n");
  if (!found.text.empty()) {
    absl::StrAppend(text, "  text:      \"", absl::CEscape(found.text), "\"\n");
  }
  for (size_t i = 0; i < found.words.size() && found.text.empty(); ++i) {
    absl::StrAppendFormat(text, "  %s 0x%016x%s%s\n", i == 0 ? "words:    " : "          ",
                          found.words[i].value, found.words[i].meaning.empty() ? "" : "  ",
                          found.words[i].meaning);
  }
}

void AppendReferrers(const Found& found, AddressFinder* finder, std::string* text) {
  if (!absl::GetFlag(FLAGS_referrers) || !IsBlock(found.info)) return;
  absl::StrAppend(text, "  pointed to by ", found.referrers.size(),
                  found.referrers.size() == kMostReferrers ? " words or more" : " words", "\n");
  for (size_t i = 0; i < std::min(found.referrers.size(), kShownReferrers); ++i) {
    const look::Referrer& referrer = found.referrers[i];
    absl::StrAppend(text, "    ", HexAddress(referrer.address), "  ",
                    finder->Place(referrer.address), "\n");
  }
}

std::string TextOf(const Found& found, AddressFinder* finder) {
  const AddressInfo& info = found.info;
  std::string text = absl::StrCat(HexAddress(found.address), ": ");
  if (IsBlock(info)) {
    AppendBlock(found, &text);
    AppendReferrers(found, finder, &text);
    return text;
  }
  switch (info.kind) {
    case AddressKind::kHeader:
      absl::StrAppend(&text, "the header of the page at ", HexAddress(info.page), ", slots of ",
                      info.stride, " bytes, heap ", info.heap);
      break;
    case AddressKind::kFreeRange:
      absl::StrAppend(&text, "free memory that is no page's, ", HexAddress(info.base), " to ",
                      HexAddress(info.base + info.usable));
      break;
    case AddressKind::kMetadata:
      absl::StrAppend(&text, "the allocator's own memory");
      break;
    case AddressKind::kGuard:
      absl::StrAppend(&text, "a guard, or the edge of a chunk");
      break;
    default:
      absl::StrAppend(&text, "not the heap's: ",
                      !found.symbol.empty()  ? found.symbol
                      : info.mapping.empty() ? "nothing is mapped there"
                                             : info.mapping);
  }
  return absl::StrCat(text, "\n");
}

void WriteBlock(const Found& found, JsonWriter* json) {
  const AddressInfo& info = found.info;
  json->Key("block").Value(HexAddress(info.base)).Key("usable").Value(info.usable);
  if (info.has_asked) json->Key("asked").Value(info.asked);
  if (info.page != 0) {
    json->Key("page").Value(HexAddress(info.page)).Key("slot").Value(uint64_t{info.slot});
    json->Key("slots").Value(uint64_t{info.slots}).Key("stride").Value(uint64_t{info.stride});
    json->Key("class").Value(uint64_t{info.size_class}).Key("heap").Value(uint64_t{info.heap});
  }
  json->OptionalPair("type", found.type).OptionalPair("text", found.text);
  json->Key("words").Begin('[');
  for (const Word& word : found.words) {
    json->Begin('{').Key("word").Value(HexAddress(word.value));
    json->OptionalPair("meaning", word.meaning).End('}');
  }
  json->End(']');
}

void WriteJson(const Found& found, AddressFinder* finder, JsonWriter* json) {
  json->Begin('{').Key("address").Value(HexAddress(found.address));
  json->Key("kind").Value(look::NameOf(found.info.kind));
  json->OptionalPair("state", look::NameOf(found.info.state));
  if (IsBlock(found.info)) WriteBlock(found, json);
  json->OptionalPair("symbol", found.symbol).OptionalPair("mapping", found.info.mapping);
  if (absl::GetFlag(FLAGS_referrers)) {
    json->Key("referrers").Begin('[');
    for (const look::Referrer& referrer : found.referrers) {
      json->Begin('{').Key("address").Value(HexAddress(referrer.address));
      json->Key("word").Value(HexAddress(referrer.word));
      json->Key("place").Value(finder->Place(referrer.address)).End('}');
    }
    json->End(']');
  }
  json->End('}');
}

int Run(const std::vector<std::string>& operands) {
  std::vector<uint64_t> addresses;
  for (size_t i = 1; i < operands.size(); ++i) {
    addresses.emplace_back();
    if (ParseAddress(operands[i], &addresses.back())) continue;
    Complain(kName, absl::StrCat(operands[i], " is no address: those are hexadecimal"));
    return kUsageError;
  }
  if (addresses.empty()) {
    Complain(kName, "give a target and one address or more; mymalloc find --help says more");
    return kUsageError;
  }
  OpenedHeap heap;
  if (!OpenHeap(kName, operands[0], &heap)) return kFailed;
  AddressFinder finder(heap);
  const bool as_json = absl::GetFlag(FLAGS_format) == OutputFormat::kJson;
  std::string text;
  JsonWriter json;
  json.Begin('[');
  for (const uint64_t address : addresses) {
    const Found found = finder.Find(address);
    if (as_json) {
      WriteJson(found, &finder, &json);
    } else {
      text += TextOf(found, &finder);
    }
  }
  json.End(']');
  return ExitCode(kName, heap.model, Print(as_json ? absl::StrCat(json.text(), "\n") : text));
}

constexpr char kDetails[] =
    "Any address will do: of a block or into one, freed or not, or of anything else.\n"
    "\n"
    "Exit codes: 0; 1: the target cannot be looked at, or its metadata is damaged; 2: the command "
    "line\n"
    "is wrong.\n";

}  // namespace

Subcommand FindCommand() {
  Subcommand subcommand;
  subcommand.name = kName;
  subcommand.operands = absl::StrCat(kTargetOperand, " ADDRESS...");
  subcommand.summary = "Says what addresses are: which block, its state, what it looks like";
  subcommand.details = absl::StrCat(kTargetHelp, "\n", kDetails);
  subcommand.flags = {"referrers", "format", "stop"};
  subcommand.run = &Run;
  return subcommand;
}

}  // namespace mymalloc::command
