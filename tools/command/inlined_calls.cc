#include "tools/command/inlined_calls.h"

#include <cxxabi.h>
#include <dwarf.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace mymalloc::command {
namespace {

// Bazel's compilers say that they run here, wherever that is.
constexpr absl::string_view kNoDirectory = "/proc/self/cwd";

using Scopes = std::vector<Dwarf_Die>;

Scopes TakeScopes(int count, Dwarf_Die* scopes) {
  Scopes result;
  if (count > 0) result.assign(scopes, scopes + count);
  std::free(scopes);
  return result;
}

// The scopes around an address, as they lie in each other in the file. dwarf_getscopes itself leads
// from an inlined function on to where that is defined, not to who calls it.
Scopes ScopesAround(Dwarf_Die* unit, Dwarf_Addr address) {
  Dwarf_Die* scopes = nullptr;
  int count = dwarf_getscopes(unit, address, &scopes);
  Scopes lexical = TakeScopes(count, scopes);
  if (lexical.empty()) return {};
  scopes = nullptr;
  count = dwarf_getscopes_die(lexical.data(), &scopes);
  return TakeScopes(count, scopes);
}

bool IsInlined(Dwarf_Die* scope) { return dwarf_tag(scope) == DW_TAG_inlined_subroutine; }

bool IsFunction(Dwarf_Die* scope) {
  const int tag = dwarf_tag(scope);
  return tag == DW_TAG_subprogram || tag == DW_TAG_entry_point || IsInlined(scope);
}

const char* TextOf(Dwarf_Die* die, unsigned name) {
  Dwarf_Attribute attribute;
  return dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
}

// Where the function is declared, which says what it is part of.
Dwarf_Die DeclarationOf(Dwarf_Die function) {
  for (const unsigned reference : {DW_AT_abstract_origin, DW_AT_specification}) {
    Dwarf_Attribute attribute;
    Dwarf_Die next;
    if (dwarf_formref_die(dwarf_attr(&function, reference, &attribute), &next) != nullptr) {
      function = next;
    }
  }
  return function;
}

bool IsPartOfNames(Dwarf_Die* scope) {
  const int tag = dwarf_tag(scope);
  return tag == DW_TAG_namespace || tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
         tag == DW_TAG_union_type;
}

// "space::Class::": the linker's name would say it, but what the linker never sees has none.
std::string PrefixOf(Dwarf_Die* function) {
  Dwarf_Die declaration = DeclarationOf(*function);
  Dwarf_Die* scopes = nullptr;
  const int count = dwarf_getscopes_die(&declaration, &scopes);
  std::string prefix;
  for (Dwarf_Die& scope : TakeScopes(count, scopes)) {
    if (!IsPartOfNames(&scope)) continue;
    const char* const name = dwarf_diename(&scope);
    prefix = absl::StrCat(name == nullptr ? "(anonymous namespace)" : name, "::", prefix);
  }
  return prefix;
}

std::string NameOf(Dwarf_Die* function) {
  const char* name = TextOf(function, DW_AT_linkage_name);
  if (name == nullptr) name = TextOf(function, DW_AT_MIPS_linkage_name);
  if (name != nullptr) return Demangled(name);
  name = TextOf(function, DW_AT_name);
  return name == nullptr ? "" : absl::StrCat(PrefixOf(function), name);
}

uint64_t NumberOf(Dwarf_Die* die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  return dwarf_formudata(dwarf_attr(die, name, &attribute), &value) == 0 ? value : 0;
}

// A place in the source, said of a call.
class Places {
 public:
  explicit Places(Dwarf_Die* unit) : unit_(unit) {
    const char* const directory = TextOf(unit, DW_AT_comp_dir);
    if (directory != nullptr) directory_ = directory;
  }

  void SetByAddress(Dwarf_Addr address, Call* call) const {
    Dwarf_Line* const line = dwarf_getsrc_die(unit_, address);
    int number = 0;
    if (line == nullptr || dwarf_lineno(line, &number) != 0) return;
    Set(dwarf_linesrc(line, nullptr, nullptr), number, call);
  }

  // Where the function was called that is inlined there.
  void SetByCall(Dwarf_Die* inlined, Call* call) const {
    Dwarf_Files* files = nullptr;
    size_t count = 0;
    const uint64_t file = NumberOf(inlined, DW_AT_call_file);
    if (dwarf_getsrcfiles(unit_, &files, &count) != 0 || file >= count) return;
    Set(dwarf_filesrc(files, file, nullptr, nullptr),
        static_cast<int>(NumberOf(inlined, DW_AT_call_line)), call);
  }

 private:
  // Shorter, and as the compiler was told: relative to where it ran.
  void Set(const char* file, int line, Call* call) const {
    if (file == nullptr || line <= 0) return;
    absl::string_view name = file;
    if (!directory_.empty() && absl::ConsumePrefix(&name, directory_)) {
      if (!absl::ConsumePrefix(&name, "/")) name = file;
    }
    absl::ConsumePrefix(&name, "./");
    call->file = std::string(name);
    call->line = line;
    if (directory_ != kNoDirectory) call->directory = directory_;
  }

  Dwarf_Die* const unit_;
  std::string directory_;
};

}  // namespace

std::string Demangled(const char* name) {
  int status = 0;
  char* const text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string result = status == 0 && text != nullptr ? text : name;
  std::free(text);
  return result;
}

std::vector<Call> CallsInUnit(Dwarf_Die* unit, Dwarf_Addr address) {
  const Places places(unit);
  std::vector<Call> calls;
  Call call;
  places.SetByAddress(address, &call);
  for (Dwarf_Die& scope : ScopesAround(unit, address)) {
    if (!IsFunction(&scope)) continue;
    call.function = NameOf(&scope);
    call.inlined = IsInlined(&scope);
    calls.push_back(std::exchange(call, Call()));
    if (!calls.back().inlined) return calls;
    places.SetByCall(&scope, &call);
  }
  if (calls.empty() && call.line != 0) calls.push_back(call);
  return calls;
}

}  // namespace mymalloc::command
