#include "tools/command/module_symbols.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "tools/command/inlined_calls.h"

namespace mymalloc::command {
namespace {

std::string BuildIdOf(Dwfl_Module* module) {
  const unsigned char* bits = nullptr;
  GElf_Addr address = 0;
  const int size = dwfl_module_build_id(module, &bits, &address);
  if (size <= 0) return "";
  return absl::BytesToHexString({reinterpret_cast<const char*>(bits), static_cast<size_t>(size)});
}

// libdwfl asks for separate debug information; what is known of the module is our own.
int FindDebugInformation(Dwfl_Module* module, void** user_data, const char* name, Dwarf_Addr base,
                         const char* file, const char* link, GElf_Word checksum, char** found) {
  auto* const files = static_cast<DebugFiles*>(*user_data);
  const std::string path = files->Find(BuildIdOf(module));
  if (!path.empty()) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
      *found = strdup(path.c_str());
      return fd;
    }
  }
  return dwfl_standard_find_debuginfo(module, user_data, name, base, file, link, checksum, found);
}

const Dwfl_Callbacks kCallbacks = {
    dwfl_build_id_find_elf,
    &FindDebugInformation,
    dwfl_offline_section_address,
    nullptr,
};

class DwflModule : public ModuleSymbols {
 public:
  // REQUIRES: module is dwfl's only one.
  DwflModule(Dwfl* dwfl, Dwfl_Module* module) : dwfl_(dwfl), module_(module) {}
  DwflModule(const DwflModule&) = delete;
  DwflModule& operator=(const DwflModule&) = delete;
  ~DwflModule() override { dwfl_end(dwfl_); }

  std::vector<Call> CallsAt(uint64_t address) override {
    std::vector<Call> calls;
    Dwarf_Addr bias = 0;
    Dwarf_Die* const unit = FindUnit(address, &bias);
    if (unit != nullptr) calls = CallsInUnit(unit, address - bias);
    if (calls.empty() || calls.back().function.empty()) AddSymbol(address, &calls);
    return calls;
  }

 private:
  // Not every compiler writes the table by which libdwfl finds the unit.
  Dwarf_Die* FindUnit(uint64_t address, Dwarf_Addr* bias) {
    Dwarf_Die* unit = dwfl_module_addrdie(module_, address, bias);
    if (unit != nullptr) return unit;
    while ((unit = dwfl_module_nextcu(module_, unit, bias)) != nullptr) {
      if (dwarf_haspc(unit, address - *bias) > 0) return unit;
    }
    return nullptr;
  }

  // The symbol's name for the outermost of the calls, which has none.
  void AddSymbol(uint64_t address, std::vector<Call>* calls) {
    GElf_Off offset = 0;
    GElf_Sym symbol;
    const char* const name =
        dwfl_module_addrinfo(module_, address, &offset, &symbol, nullptr, nullptr, nullptr);
    if (name == nullptr || *name == '\0') return;
    if (calls->empty()) calls->emplace_back();
    calls->back().function = Demangled(name);
    calls->back().offset = offset;
  }

  Dwfl* const dwfl_;
  Dwfl_Module* const module_;
};

// Loaded at 0, so that its addresses are those in the file.
Dwfl_Module* AddModule(Dwfl* dwfl, const std::string& path, OpenFile file, DebugFiles* files) {
  dwfl_report_begin(dwfl);
  Dwfl_Module* const module =
      dwfl_report_elf(dwfl, path.c_str(), path.c_str(), file.fd(), 0, /*add_p_vaddr=*/true);
  if (module != nullptr) {
    file.Release();
    void** user_data = nullptr;
    dwfl_module_info(module, &user_data, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    *user_data = files;
  }
  return dwfl_report_end(dwfl, nullptr, nullptr) == 0 ? module : nullptr;
}

}  // namespace

std::unique_ptr<ModuleSymbols> ModuleSymbols::Open(const std::string& path, DebugFiles* files) {
  OpenFile file = OpenRegularFile(path);
  Dwfl* const dwfl = file.is_open() ? dwfl_begin(&kCallbacks) : nullptr;
  if (dwfl == nullptr) return nullptr;
  Dwfl_Module* const module = AddModule(dwfl, path, std::move(file), files);
  if (module == nullptr) {
    dwfl_end(dwfl);
    return nullptr;
  }
  return std::make_unique<DwflModule>(dwfl, module);
}

}  // namespace mymalloc::command
