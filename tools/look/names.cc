#include "tools/look/names.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tools/command/elf_file.h"
#include "tools/look/elf_image.h"

namespace mymalloc::look {
namespace {

constexpr absl::string_view kTableOf = "vtable for ";
// Programs have some ten thousand classes; a heap written over on purpose has any number of words.
constexpr size_t kMostClasses = 1 << 20;

// "3Foo" to "Foo"; empty if it is no name of a type.
std::string DemangledType(const char* name) {
  if (*name == '*') ++name;  // known to one module only
  int status = 0;
  char* const text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string result = status == 0 && text != nullptr ? text : "";
  std::free(text);  // NOLINT(cppcoreguidelines-no-malloc): as the demangler asks for
  return result;
}

// What the Itanium ABI puts before a table of virtual functions.
struct TableHead {
  int64_t offset_to_top;
  uint64_t type_info;
  uint64_t first_function;
};

struct TypeInfo {
  uint64_t table;
  uint64_t name;
};

}  // namespace

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Names::Names(const Target& target) : target_(target), modules_(ModulesOf(target.mappings())) {
  for (const Module& module : modules_) {
    ElfImage image;
    if (!image.Open(target.memory(), module.base)) continue;
    Place place;
    place.module = &module;
    place.bias = image.bias();
    place.build_id = image.build_id();
    place.data = image.data();
    places_.push_back(std::move(place));
  }
}

const Names::Place* Names::FindPlace(uint64_t address) const {
  const auto behind =
      std::upper_bound(places_.begin(), places_.end(), address,
                       [](uint64_t a, const Place& p) { return a < p.module->base; });
  if (behind == places_.begin()) return nullptr;
  const Place& place = *(behind - 1);
  if (address < place.module->end) return &place;
  const bool in_data = std::any_of(place.data.begin(), place.data.end(),
                                   [=](const Interval& d) { return d.Contains(address); });
  return in_data ? &place : nullptr;
}

Names::Place* Names::FindPlace(uint64_t address) {
  return const_cast<Place*>(std::as_const(*this).FindPlace(address));
}

command::ModuleSymbols* Names::SymbolsOf(Place* place) {
  if (!place->opened) {
    place->opened = true;
    const std::string path = FileOf(*place);
    if (!path.empty()) place->symbols = command::ModuleSymbols::Open(path, &debug_files_);
  }
  return place->symbols.get();
}

// The file at its path, if it is the one that was mapped; else any that has the same build id.
std::string Names::FileOf(const Place& place) {
  const std::string path = target_.FileAt(place.module->path);
  if (place.build_id.empty()) return path;
  const command::OpenFile file = command::OpenRegularFile(path);
  const bool is_it = file.is_open() && command::BuildIdOf(file) == place.build_id;
  return is_it ? path : debug_files_.Find(place.build_id);
}

std::string Names::ModuleAt(uint64_t address) {
  const Place* const place = FindPlace(address);
  return place == nullptr ? "" : BaseName(place->module->path);
}

std::string Names::FindSymbol(Place* place, uint64_t address, uint64_t* offset) {
  command::ModuleSymbols* const symbols = SymbolsOf(place);
  if (symbols == nullptr) return "";
  const std::vector<command::Call> calls = symbols->CallsAt(address - place->bias);
  if (calls.empty()) return "";
  *offset = calls.back().offset;
  return calls.back().function;
}

std::string Names::SymbolAt(uint64_t address) {
  Place* const place = FindPlace(address);
  if (place == nullptr) return "";
  const std::string module = BaseName(place->module->path);
  uint64_t offset = 0;
  const std::string symbol = FindSymbol(place, address, &offset);
  if (symbol.empty()) {
    return absl::StrCat(module, "+0x", absl::Hex(address - place->bias));
  }
  return absl::StrCat(symbol, offset == 0 ? "" : absl::StrCat("+", offset), " (", module, ")");
}

bool Names::IsCode(uint64_t address) const {
  const Mapping* const mapping = FindMapping(target_.mappings(), address);
  return mapping != nullptr && mapping->executable && mapping->HasFile();
}

const std::string& Names::ClassOf(uint64_t word) {
  static const std::string kNone;
  if (word % sizeof(uint64_t) != 0 || FindPlace(word) == nullptr) return kNone;
  const auto known = classes_.find(word);
  if (known != classes_.end()) return known->second;
  if (classes_.size() >= kMostClasses) classes_.clear();
  std::string name = ClassByTypeInfo(word);
  if (name.empty()) name = ClassBySymbol(word);
  return classes_.emplace(word, std::move(name)).first->second;
}

std::string Names::ClassByTypeInfo(uint64_t word) const {
  constexpr int64_t kMostOffset = 1 << 20;
  TableHead head;
  TypeInfo info;
  const Memory& memory = target_.memory();
  if (!memory.Get(word - offsetof(TableHead, first_function), &head)) return "";
  // In an abstract class it may be nothing's.
  const bool sound = head.offset_to_top <= 0 && head.offset_to_top > -kMostOffset &&
                     (head.first_function == 0 || IsCode(head.first_function)) &&
                     head.type_info % sizeof(uint64_t) == 0 && IsInModule(head.type_info);
  if (!sound || !memory.Get(head.type_info, &info)) return "";
  if (!IsInModule(info.table) || !IsInModule(info.name)) return "";
  char name[1024];
  size_t length = sizeof(name) - 1;
  while (length >= 32 && !memory.Read(info.name, name, length)) length /= 2;
  if (length < 32) return "";
  name[length] = '\0';
  return DemangledType(name);
}

std::string Names::ClassBySymbol(uint64_t word) {
  const Mapping* const mapping = FindMapping(target_.mappings(), word);
  if (mapping == nullptr || mapping->executable) return "";
  uint64_t offset = 0;
  const std::string symbol = FindSymbol(FindPlace(word), word, &offset);
  if (!absl::StartsWith(symbol, kTableOf)) return "";
  return symbol.substr(kTableOf.size());
}

}  // namespace mymalloc::look
